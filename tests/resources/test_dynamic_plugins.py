"""The ConfigMap of the list; how lists are merged is tested with the configuration."""

from __future__ import annotations

from .builders import (
    LABELS,
    OWNER,
    composed,
    config_map,
    container,
    faults,
    file,
    workload,
)

_USER = {"application": {"dynamicPluginsConfigMapName": "p"}}
_FILE = "dynamic-plugins.yaml"


def test_without_any_list_there_is_no_config_map() -> None:
    assert "dynamic-plugins" not in composed()


def test_a_single_list_is_mounted_as_it_was_written() -> None:
    text = "# kept\nplugins: []\n"

    documents = composed(files={_FILE: config_map("any", **{_FILE: text})})

    assert documents["dynamic-plugins"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "backstage-dynamic-plugins-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "data": {_FILE: text},
    }


def test_the_init_container_finds_the_list_where_it_works() -> None:
    init = {"name": "install-dynamic-plugins", "workingDir": "/plugins"}

    documents = composed(
        _USER,
        files={"deployment.yaml": workload(initContainers=[init])},
        config_maps={"p": {_FILE: "plugins: []"}},
    )

    assert container(documents, "install-dynamic-plugins")["volumeMounts"] == [
        file(f"/plugins/{_FILE}", "backstage-dynamic-plugins-my", _FILE)
    ]


def test_the_users_list_wins_over_the_default_one() -> None:
    default = config_map(
        "any", **{_FILE: "plugins: [{package: ./a, disabled: true}, {package: ./b}]"}
    )
    own = "plugins: [{package: ./a, disabled: false, pullPolicy: Always}]"

    documents = composed(_USER, files={_FILE: default}, config_maps={"p": {_FILE: own}})

    assert documents["dynamic-plugins"]["data"][_FILE] == (
        "plugins:\n"
        "- package: ./a\n"
        "  disabled: false\n"
        "  pullPolicy: Always\n"
        "- package: ./b\n"
    )


def test_a_list_that_cannot_be_used_is_a_fault() -> None:
    assert faults(_USER, config_maps={"p": {"other": ""}}) == [
        (
            'spec.application.dynamicPluginsConfigMapName: ConfigMap "p" in namespace '
            f'"team" has no key "{_FILE}"; add the key or correct the field'
        )
    ]
    assert faults(_USER, config_maps={"p": {_FILE: "plugins: [{}]"}}) == [
        (
            f'ConfigMap "p", key {_FILE}: plugins[0].package is missing; '
            "name the plugin's package"
        )
    ]


def test_without_the_init_container_a_list_is_a_fault() -> None:
    (message,) = faults(
        _USER,
        files={"deployment.yaml": workload(initContainers=[])},
        config_maps={"p": {_FILE: "plugins: []"}},
    )

    assert 'container "install-dynamic-plugins" not found' in message
