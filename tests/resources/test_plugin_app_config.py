"""What plugins say about the app-config, where the operator works their list off."""

from __future__ import annotations

from typing import Any

from backstage_op import resources

from .builders import LABELS, OWNER, backend, composed, config_map, digest, file

_NAME = "backstage-appconfig-my-plugins-appconfig"
_FILE = "app-config.dynamic-plugins.yaml"
_IMAGES = resources.Images(plugin_installer="installer:1")


def spec(*plugins: dict[str, Any], **application: Any) -> dict[str, Any]:
    return {"application": {"dynamicPlugins": list(plugins), **application}}


def test_the_configuration_of_enabled_plugins_is_merged_at_any_depth() -> None:
    documents = composed(
        spec(
            {"package": "oci://x/a", "pluginConfig": {"a": {"x": 1, "l": [1, 2]}}},
            {"package": "oci://x/b", "pluginConfig": {"a": {"z": 2, "l": [3]}}},
            {
                "package": "oci://x/off",
                "disabled": True,
                "pluginConfig": {"a": {"off": True}},
            },
            {"package": "oci://x/c", "pluginConfig": {"dynamicPlugins": {"f": {}}}},
        ),
        images=_IMAGES,
    )

    assert documents["plugin-app-config"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": _NAME,
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "data": {
            _FILE: (
                "a:\n  l:\n  - 3\n  x: 1\n  z: 2\n"
                "dynamicPlugins:\n  f: {}\n  rootDirectory: dynamic-plugins-root\n"
            )
        },
    }


def test_it_is_read_before_every_other_app_config() -> None:
    documents = composed(
        spec({"package": "oci://x/a"}, appConfig={"configMaps": [{"name": "own"}]}),
        images=_IMAGES,
        files={"app-config.yaml": config_map("base", **{"base.yaml": "app: {}"})},
        config_maps={"own": {"own.yaml": "app: {}"}},
    )

    root = "/opt/app-root/src"
    assert backend(documents)["args"] == [
        argument
        for name in (_FILE, "base.yaml", "own.yaml")
        for argument in ("--config", f"{root}/{name}")
    ]
    assert backend(documents)["volumeMounts"][0] == file(
        f"{root}/{_FILE}", _NAME, _FILE
    )


def test_a_change_of_it_restarts_the_pods() -> None:
    before, after = (
        composed(
            spec({"package": "oci://x/a", "pluginConfig": {"a": value}}),
            images=_IMAGES,
        )
        for value in (1, 2)
    )

    assert digest(before) != digest(after)
    assert before["dynamic-plugins"] == after["dynamic-plugins"]


def test_there_is_none_where_the_portals_image_works_the_list_off() -> None:
    assert "plugin-app-config" not in composed(spec({"package": "oci://x/a"}))
