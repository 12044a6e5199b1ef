"""The ConfigMap of the list; how lists are merged is tested with the configuration."""

from __future__ import annotations

import json

import msgspec

from backstage_op import resources
from backstage_op.config import Flavour

from .builders import (
    LABELS,
    OWNER,
    composed,
    config_map,
    container,
    digest,
    faults,
    file,
    inputs,
    not_found,
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
    place = f'spec.application.dynamicPluginsConfigMapName: ConfigMap "p", key {_FILE}'

    assert faults(_USER, config_maps={"p": {"other": ""}}) == [
        f"{place}: the key is missing; add it"
    ]
    assert faults(_USER, config_maps={"p": {_FILE: "plugins: [{}]"}}) == [
        f"{place}: plugins[0].package: missing; name the plugin's package"
    ]
    assert faults(_USER, config_maps={"p": None}) == [
        not_found("spec.application.dynamicPluginsConfigMapName", "ConfigMap", "p")
    ]


def test_without_the_init_container_a_list_is_a_fault() -> None:
    (message,) = faults(
        _USER,
        files={"deployment.yaml": workload(initContainers=[])},
        config_maps={"p": {_FILE: "plugins: []"}},
    )

    assert 'container "install-dynamic-plugins" not found' in message


def test_every_layer_has_its_say_and_the_resource_the_last_one() -> None:
    default = "plugins: [{package: ./a, disabled: true}, {package: ./b}]"
    flavour = "plugins: [{package: ./a, enabled: true, x: 1}, {package: ./c}]"
    platform = "plugins: [{package: ./c, x: platform}]"
    own = "plugins: [{package: ./c, x: own}, {package: ./d}]"
    made = inputs(
        {
            "application": {
                "dynamicPluginsConfigMapName": "p",
                "dynamicPlugins": [{"package": "./d", "disabled": True}],
            }
        },
        files={
            _FILE: config_map("any", **{_FILE: default}),
            f"{_FILE}.k8s": config_map("any", **{_FILE: platform}),
        },
        config_maps={"p": {_FILE: own}},
    )
    config = msgspec.structs.replace(
        made.default,
        flavours=(
            Flavour(
                name="one",
                enabled_by_default=True,
                files={_FILE: json.dumps(config_map("any", **{_FILE: flavour}))},
            ),
        ),
    )

    composition = resources.compose(msgspec.structs.replace(made, default=config))

    assert composition.faults == ()
    assert composition.documents["dynamic-plugins"]["data"][_FILE] == (
        "plugins:\n"
        "- package: ./a\n"
        "  enabled: true\n"
        "  x: 1\n"
        "- package: ./b\n"
        "- package: ./c\n"
        "  x: own\n"
        "- package: ./d\n"
        "  disabled: true\n"
    )


def test_all_faults_of_all_lists_are_told() -> None:
    spec = {
        "application": {
            "dynamicPluginsConfigMapName": "p",
            "dynamicPlugins": [{"package": "./x", "other": None}, {"package": "./y"}],
        }
    }
    default = config_map("any", **{_FILE: "plugins: [1, {}]"})

    messages = faults(
        spec, files={_FILE: default}, config_maps={"p": {_FILE: "plugins: [2]"}}
    )

    assert messages == [
        (
            f"default configuration (test), key {_FILE}: plugins[0]: expected an "
            "object, found a whole number; write package: and its name"
        ),
        (
            f"default configuration (test), key {_FILE}: plugins[1].package: missing; "
            "name the plugin's package"
        ),
        (
            'spec.application.dynamicPluginsConfigMapName: ConfigMap "p", '
            f"key {_FILE}: plugins[0]: expected an object, found a whole number; "
            "write package: and its name"
        ),
    ]


def test_references_reach_the_init_container_as_they_were_written() -> None:
    text = "plugins: [{package: 'ref://a'}, {package: 'oci://x/b:{{inherit}}'}]\n"

    documents = composed(_USER, config_maps={"p": {_FILE: text}})

    assert documents["dynamic-plugins"]["data"] == {_FILE: text}


_INSTALLER = resources.Images(backstage="portal:1", plugin_installer="installer:1")
_PORTAL = workload(
    initContainers=[
        {
            "name": "install-dynamic-plugins",
            "image": "i",
            "command": ["./install.sh"],
            "workingDir": "/work",
        }
    ],
    containers=[{"name": "backstage-backend", "image": "b", "args": ["--config", "x"]}],
)


def test_the_installer_gets_the_packages_of_enabled_plugins() -> None:
    default = config_map(
        "any", **{_FILE: "plugins: [{package: 'oci://x/a@sha256:1', disabled: true}]"}
    )
    own = [
        {"package": "ref://a", "enabled": True},
        {"package": "https://x/b.tgz", "integrity": "sha512-ab"},
    ]

    documents = composed(
        {"application": {"dynamicPlugins": own}},
        files={"deployment.yaml": _PORTAL, _FILE: default},
        images=_INSTALLER,
    )

    assert documents["dynamic-plugins"]["data"] == {
        "packages.txt": (
            "# Packages of the enabled plugins, each with its integrity, if given.\n"
            "oci://x/a@sha256:1\n"
            "https://x/b.tgz sha512-ab\n"
        )
    }
    assert container(documents, "install-dynamic-plugins") == {
        "name": "install-dynamic-plugins",
        "image": "installer:1",
        "imagePullPolicy": "Always",
        "workingDir": "/work",
        "env": [{"name": "INPUT_FILE", "value": "/work/packages.txt"}],
        "volumeMounts": [
            file("/work/packages.txt", "backstage-dynamic-plugins-my", "packages.txt")
        ],
    }
    backend = container(documents, "backstage-backend")
    assert backend["image"] == "portal:1"
    assert backend["args"] == [
        "--config",
        "/opt/app-root/src/app-config.dynamic-plugins.yaml",
    ]


def test_the_installer_gets_an_empty_list_where_there_are_no_plugins() -> None:
    documents = composed(files={"deployment.yaml": _PORTAL}, images=_INSTALLER)

    assert documents["dynamic-plugins"]["data"]["packages.txt"].count("\n") == 1


def test_an_installer_that_a_digest_names_is_pulled_once() -> None:
    images = resources.Images(plugin_installer="installer@sha256:1")

    documents = composed(files={"deployment.yaml": _PORTAL}, images=images)

    installer = container(documents, "install-dynamic-plugins")
    assert installer["imagePullPolicy"] == "IfNotPresent"


def test_where_the_manifest_says_where_the_packages_are_it_is_left_alone() -> None:
    init = {
        "name": "install-dynamic-plugins",
        "env": [{"name": "INPUT_FILE", "value": "/mine"}],
    }

    documents = composed(
        files={"deployment.yaml": workload(initContainers=[init])}, images=_INSTALLER
    )

    assert container(documents, "install-dynamic-plugins")["env"] == init["env"]


def test_a_change_of_the_packages_restarts_the_pods() -> None:
    before, after = (
        composed(
            {"application": {"dynamicPlugins": [{"package": package}]}},
            images=_INSTALLER,
        )
        for package in ("oci://x/a:1", "oci://x/a:2")
    )

    assert digest(before) != digest(after)
    assert before["plugin-app-config"] == after["plugin-app-config"]


def test_references_and_packages_that_the_installer_cannot_use_are_faults() -> None:
    own = [{"package": "ref://a"}, {"package": "./b"}, {"package": "npm"}]

    messages = faults({"application": {"dynamicPlugins": own}}, images=_INSTALLER)

    path = "spec.application.dynamicPlugins"
    assert [message.partition(": ")[0] for message in messages] == [
        f'{path}[0] "ref://a"',
        f'{path}[1] "./b"',
        f'{path}[2] "npm"',
    ]
