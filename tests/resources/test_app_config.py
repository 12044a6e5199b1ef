from __future__ import annotations

import pytest

from .builders import LABELS, OWNER, backend, composed, config_map, faults, file

_DEFAULT = {"app-config.yaml": config_map("base", **{"default.yaml": "app: {}"})}


def _spec(*refs: dict[str, str], **fields: str) -> dict[str, object]:
    return {"application": {"appConfig": {"configMaps": list(refs), **fields}}}


def test_a_configured_app_config_becomes_a_config_map_of_the_instance() -> None:
    documents = composed(files=_DEFAULT)

    assert documents["app-config/base"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "backstage-appconfig-my-base",
            "namespace": "team",
            "labels": LABELS,
            "annotations": {
                "rhdh.redhat.com/configured-name": "base",
                "rhdh.redhat.com/source": "default",
            },
            "ownerReferences": [OWNER],
        },
        "data": {"default.yaml": "app: {}"},
    }


def test_the_backend_reads_the_users_app_configs_last_and_in_order() -> None:
    documents = composed(
        _spec({"name": "b"}, {"name": "a", "key": "x.yaml"}),
        files=_DEFAULT,
        config_maps={"b": {"b.yaml": ""}, "a": {"x.yaml": "", "y.yaml": ""}},
    )

    assert backend(documents)["args"] == [
        "--config",
        "/opt/app-root/src/default.yaml",
        "--config",
        "/opt/app-root/src/b.yaml",
        "--config",
        "/opt/app-root/src/x.yaml",
    ]


def test_a_file_that_two_app_configs_bring_is_the_later_one() -> None:
    documents = composed(
        _spec({"name": "mine"}),
        files=_DEFAULT,
        config_maps={"mine": {"default.yaml": "app: {}"}},
    )

    path = "/opt/app-root/src/default.yaml"
    assert backend(documents)["args"] == ["--config", path]
    assert backend(documents)["volumeMounts"] == [file(path, "mine", "default.yaml")]


def test_an_app_config_goes_to_the_containers_that_it_names() -> None:
    documents = composed(
        {
            "application": {
                "appConfig": {
                    "configMaps": [
                        {"name": "a", "containers": ["install-dynamic-plugins"]}
                    ]
                }
            }
        },
        config_maps={"a": {"a.yaml": ""}},
    )

    assert "args" not in backend(documents)
    assert "volumeMounts" not in backend(documents)


@pytest.mark.parametrize(
    ("data", "found"),
    [({}, "0 entries (none)"), ({"b": "", "a": ""}, "2 entries (a, b)")],
)
def test_an_app_config_without_a_key_has_one_entry(
    data: dict[str, str], found: str
) -> None:
    assert faults(_spec({"name": "a"}), config_maps={"a": data}) == [
        (
            f'spec.application.appConfig.configMaps[0]: ConfigMap "a" has {found}; '
            "name one of them in key, or leave one in it"
        )
    ]
