from __future__ import annotations

from backstage_op.document import Document

from .builders import (
    backend,
    composed,
    config_map,
    container,
    faults,
    no_key,
    not_found,
)

_ENVS = "spec.application.extraEnvs"


def _spec(**envs: object) -> Document:
    return {"application": {"extraEnvs": envs}}


def test_variables_come_first_then_keys_of_config_maps_then_of_secrets() -> None:
    documents = composed(
        _spec(
            secrets=[{"name": "s", "key": "S"}],
            configMaps=[{"name": "c", "key": "C"}],
            envs=[{"name": "E", "value": ""}],
        ),
        config_maps={"c": {"C": "1"}},
        secrets={"s": {"S": "1"}},
    )

    assert backend(documents)["env"] == [
        {"name": "E", "value": ""},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "C"}}},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "S"}}},
    ]


def test_configured_objects_are_injected_before_the_users() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "default",
            "annotations": {"rhdh.redhat.com/containers": "*"},
        },
        "stringData": {"A": "1"},
    }

    documents = composed(
        _spec(configMaps=[{"name": "c"}], secrets=[{"name": "s"}]),
        files={
            "configmap-envs.yaml": config_map("default", A="1"),
            "secret-envs.yaml": secret,
        },
        config_maps={"c": {}},
        secrets={"s": {}},
    )

    assert backend(documents)["envFrom"] == [
        {"configMapRef": {"name": "backstage-envs-my-default"}},
        {"configMapRef": {"name": "c"}},
        {"secretRef": {"name": "backstage-psql-secret-my"}},
        {"secretRef": {"name": "backstage-envs-my-default"}},
        {"secretRef": {"name": "s"}},
    ]
    assert container(documents, "install-dynamic-plugins")["envFrom"] == [
        {"secretRef": {"name": "backstage-envs-my-default"}}
    ]
    assert documents["secret-envs/default"]["data"] == {"A": "MQ=="}
    assert "stringData" not in documents["secret-envs/default"]


def test_every_fault_is_reported_with_its_place() -> None:
    assert faults(
        _spec(
            configMaps=[{"name": "absent"}, {"name": "c", "key": "no"}],
            secrets=[{"name": "absent"}],
            envs=[
                {"name": "A", "value": "1"},
                {"name": "B", "value": "1", "containers": ["nope"]},
            ],
        ),
        config_maps={"c": {"yes": "1"}, "absent": None},
        secrets={"absent": None},
    ) == [
        not_found(f"{_ENVS}.configMaps[0]", "ConfigMap", "absent"),
        no_key(f"{_ENVS}.configMaps[1]", "ConfigMap", "c", "no"),
        not_found(f"{_ENVS}.secrets[0]", "Secret", "absent"),
        (
            f'{_ENVS}.envs[1]: container "nope" not found in the pod; '
            "use one of: backstage-backend, install-dynamic-plugins"
        ),
    ]
