from __future__ import annotations

from typing import Any

import pytest

from backstage_op.document import Document

from .builders import backend, composed, digest, faults, file, no_key, workload

_FILE = "/etc/backstage/database-ca.crt"


def _spec(external: Document, **application: Any) -> Document:
    database = {"enableLocalDb": False, "external": external}
    return {"database": database, "application": application}


def test_mode_and_authority_are_mounted_and_named() -> None:
    spec = _spec({"sslMode": "verify-full", "ca": {"configMapName": "ca"}})

    container = backend(composed(spec, config_maps={"ca": {"ca.crt": "PEM"}}))

    assert container["volumeMounts"] == [file(_FILE, "ca", "ca.crt")]
    assert container["env"] == [
        {"name": "PGSSLMODE", "value": "verify-full"},
        {"name": "PGSSLROOTCERT", "value": _FILE},
        {"name": "NODE_EXTRA_CA_CERTS", "value": _FILE},
    ]


def test_an_authority_in_a_secret_has_a_key_of_its_own_and_restarts_the_portal() -> (
    None
):
    spec = _spec({"ca": {"secretName": "ca", "key": "root.pem"}})

    one = composed(spec, secrets={"ca": {"root.pem": "1"}})
    other = composed(spec, secrets={"ca": {"root.pem": "2"}})

    assert backend(one)["volumeMounts"] == [file(_FILE, "ca", "root.pem")]
    assert digest(one) != digest(other)


def test_an_entry_that_is_missing_is_a_fault() -> None:
    spec = _spec({"ca": {"secretName": "ca"}})

    assert faults(spec, secrets={"ca": {"tls.crt": "1"}}) == [
        no_key("spec.database.external.ca", "Secret", "ca", "ca.crt")
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"envs": {"envs": [{"name": "PGSSLMODE", "value": "mine"}]}},
        {"envs": {"configMaps": [{"name": "e"}]}},
        {"envs": {"configMaps": [{"name": "e", "key": "PGSSLMODE"}]}},
        {
            "files": {
                "deployment.yaml": workload(
                    containers=[
                        {
                            "name": "backstage-backend",
                            "image": "b",
                            "env": [{"name": "PGSSLMODE", "value": "mine"}],
                        }
                    ]
                )
            }
        },
    ],
)
def test_a_variable_of_the_user_wins(arguments: dict[str, Any]) -> None:
    envs = arguments.pop("envs", {})
    spec = _spec({"sslMode": "require"}, extraEnvs=envs)

    container = backend(
        composed(spec, config_maps={"e": {"PGSSLMODE": "mine"}}, **arguments)
    )

    assert {"name": "PGSSLMODE", "value": "require"} not in container.get("env", [])
