"""Which manifest applies: default, flavours, platform, raw; key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from backstage_op import errors
from backstage_op.config import (
    KEYS,
    DefaultConfig,
    Flavour,
    Layered,
    Layers,
    manifests,
    resolve,
)

CONFIG_MAP = [("v1", "ConfigMap")]
SERVICE = [("v1", "Service")]
WORKLOAD = [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet")]
ORIGIN = "default configuration (folder)"


def text(*documents: Mapping[str, Any]) -> str:
    return "---\n".join(manifests.dump(document) for document in documents)


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "spec": spec}


def deployment(*containers: dict[str, Any], kind: str = "Deployment") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "spec": {"template": {"spec": {"containers": list(containers)}}},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data,
    }


def flavour(name: str, **files: str) -> Flavour:
    return Flavour(
        name=name,
        enabled_by_default=True,
        files={f"{key.replace('_', '-')}.yaml": value for key, value in files.items()},
    )


def layers(
    files: Mapping[str, str],
    *flavours: Flavour,
    platform: str = "k8s",
    raw: Mapping[str, str] | None = None,
) -> Layers:
    return resolve(
        DefaultConfig(source="folder", files=files, flavours=flavours),
        flavours=flavours,
        platform_suffix=platform,
        raw=raw,
        raw_origin=dict.fromkeys(raw or {}, 'ConfigMap "raw"'),
    )


def default(document: dict[str, Any]) -> Layered:
    return Layered(document=document, source="default", origin=ORIGIN)


def test_a_key_of_no_layer_is_nothing() -> None:
    nothing = layers({})

    assert (
        nothing.one("service.yaml", SERVICE),
        nothing.many("app-config.yaml", CONFIG_MAP),
        nothing.has("service.yaml"),
    ) == (None, (), False)


def test_the_patch_of_the_platform_is_merged_and_no_other() -> None:
    files = {
        "service.yaml": text(service(type="ClusterIP", clusterIP="None")),
        "service.yaml.k8s": "spec: {type: NodePort}",
        "service.yaml.ocp": "spec: {type: LoadBalancer}",
    }

    actual = layers(files).one("service.yaml", SERVICE)

    assert actual == default(service(type="NodePort", clusterIP="None"))


def test_flavours_are_merged_into_the_deployment_before_the_platform() -> None:
    files = {
        "deployment.yaml": text(deployment({"name": "a", "image": "default"})),
        "deployment.yaml.k8s": text(
            {
                "spec": {
                    "template": {"spec": {"containers": [{"name": "a", "tty": True}]}}
                }
            }
        ),
    }
    one = flavour(
        "one", deployment=text(deployment({"name": "b"}, {"name": "a", "image": "one"}))
    )
    two = flavour(
        "two",
        deployment=text(deployment({"name": "a", "image": "two"}, kind="StatefulSet")),
    )

    actual = layers(files, one, two).one("deployment.yaml", WORKLOAD)

    assert actual == default(
        deployment({"name": "a", "image": "two", "tty": True}, {"name": "b"})
    )


def test_other_single_objects_do_not_come_from_flavours() -> None:
    one = flavour("one", service=text(service(type="NodePort")))

    assert layers({}, one).one("service.yaml", SERVICE) is None


def test_lists_of_plugins_come_from_flavours_and_then_from_the_platform() -> None:
    key = "dynamic-plugins.yaml"
    base = config_map("any", **{key: "plugins: [{package: a, disabled: true}]"})
    over = config_map("other", **{key: "plugins: [{package: a, disabled: false}]"})
    platform = config_map("any", **{key: "plugins: [{package: b}]"})
    files = {key: text(base), f"{key}.k8s": text(platform)}

    actual = layers(files, flavour("one", dynamic_plugins=text(over))).plugin_lists(
        CONFIG_MAP
    )

    assert [layer.document for layer in actual] == [base, over, platform]
    assert [layer.source for layer in actual] == ["default", "flavour-one", "default"]


def test_a_raw_list_of_plugins_replaces_all_of_them() -> None:
    key = "dynamic-plugins.yaml"
    base = config_map("any", **{key: "plugins: []"})
    own = config_map("own", **{key: "plugins: [{package: b}]"})

    actual = layers(
        {key: text(base), f"{key}.k8s": text(base)}, raw={key: text(own)}
    ).plugin_lists(CONFIG_MAP)

    assert [layer.document for layer in actual] == [own]


@pytest.mark.parametrize(
    "key", ["app-config.yaml", "configmap-files.yaml", "configmap-envs.yaml"]
)
def test_flavours_add_their_objects_behind_the_default_ones(key: str) -> None:
    files = {key: text(config_map("a"), config_map("b")), f"{key}.k8s": "data: {x: y}"}
    name = key.removesuffix(".yaml").replace("-", "_")

    actual = layers(
        files,
        flavour("two", **{name: text(config_map("c"))}),
        flavour("one", **{name: text(config_map("d"))}),
    ).many(key, CONFIG_MAP)

    assert [(one.source, one.document) for one in actual] == [
        ("default", config_map("a")),
        ("default", config_map("b")),
        ("flavour-two", config_map("c")),
        ("flavour-one", config_map("d")),
    ]


@pytest.mark.parametrize("key", ["pvcs.yaml", "secret-envs.yaml", "secret-files.yaml"])
def test_the_patch_of_the_platform_is_merged_into_every_other_object(key: str) -> None:
    files = {key: text(config_map("a"), config_map("b")), f"{key}.k8s": "data: {x: z}"}
    merged = [config_map("a", x="z"), config_map("b", x="z")]
    own = config_map("own")

    actual = layers(files)
    raw = layers(files, raw={key: text(own)})

    assert [one.document for one in actual.many(key, CONFIG_MAP)] == merged
    assert actual.origins(key, "b") == (
        ORIGIN,
        f"{ORIGIN}, file {key}.k8s",
    )
    assert [one.document for one in raw.many(key, CONFIG_MAP)] == [own]


@pytest.mark.parametrize("key", ["pvcs.yaml", "secret-envs.yaml", "secret-files.yaml"])
def test_other_objects_do_not_come_from_flavours(key: str) -> None:
    name = key.removesuffix(".yaml").replace("-", "_")

    actual = layers({}, flavour("one", **{name: text(config_map("a"))}))

    assert actual.many(key, CONFIG_MAP) == ()


@pytest.mark.parametrize("name", ["a/../../secrets/b", "../a", "a_b", "A", "a-", "a?b"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    key = "configmap-files.yaml"

    with pytest.raises(errors.ManifestError) as caught:
        layers({}, raw={key: text(config_map(name))}).many(key, CONFIG_MAP)

    assert caught.value.detail == (
        f'metadata.name: found "{name}"; use lower case letters, digits, '
        "'-' and '.', beginning and ending with a letter or digit"
    )


def test_a_raw_key_replaces_all_layers_and_takes_no_patch() -> None:
    files = {
        "deployment.yaml": text(deployment({"name": "a"})),
        "deployment.yaml.k8s": "spec: {replicas: 3}",
        "app-config.yaml": text(config_map("a")),
    }
    one = flavour(
        "one",
        deployment=text(deployment({"name": "b"})),
        app_config=text(config_map("b")),
    )
    raw = {
        "deployment.yaml": text(deployment({"name": "raw"})),
        "app-config.yaml": text(config_map("raw")),
    }

    actual = layers(files, one, raw=raw)

    assert actual.one("deployment.yaml", WORKLOAD) == Layered(
        document=deployment({"name": "raw"}), source="", origin='ConfigMap "raw"'
    )
    assert actual.many("app-config.yaml", CONFIG_MAP) == (
        Layered(document=config_map("raw"), source="", origin='ConfigMap "raw"'),
    )


def test_an_unknown_raw_key_is_a_fault_that_lists_the_known_ones() -> None:
    actual = layers({}, raw={"deploymnt.yaml": "", "service.yaml": ""})

    (fault,) = actual.faults
    assert fault.reason == "UnknownKey"
    assert fault.message == (
        'ConfigMap "raw", key deploymnt.yaml: no object is made from it;'
        f' did you mean "deployment.yaml"? the keys are {", ".join(KEYS)}'
    )


def test_a_bad_key_does_not_hide_another() -> None:
    both = layers({}, raw={"service.yaml": "a: [", "route.yaml": "b: ["})

    for key in ("service.yaml", "route.yaml"):
        with pytest.raises(errors.ManifestError, match=key):
            both.one(key, SERVICE)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            text(deployment()),
            "expected Service, found Deployment; correct the manifest or its key",
        ),
        (
            "spec: {}",
            "expected Service, found no kind; correct the manifest or its key",
        ),
        (
            "{apiVersion: v2, kind: Service}",
            (
                "expected Service of apiVersion v1, found v2;"
                " correct the manifest or its key"
            ),
        ),
        (
            "kind: Service",
            (
                "expected Service of apiVersion v1, found none;"
                " correct the manifest or its key"
            ),
        ),
        (
            "{apiVersion: v1, kind: [x]}",
            (
                "expected Service, found a kind that is not a string;"
                " correct the manifest or its key"
            ),
        ),
        (
            "{apiVersion: v1, kind: Service, spec: [x]}",
            "spec: expected an object, found a list; correct the manifest",
        ),
        (
            text(service(), service()),
            "expected one object, found 2; remove the others",
        ),
        ("# nothing", "holds no object; write a manifest or remove the key"),
    ],
)
def test_a_manifest_that_is_not_what_its_key_says_is_refused(
    document: str, message: str
) -> None:
    with pytest.raises(errors.ManifestError) as caught:
        layers({}, raw={"service.yaml": document}).one("service.yaml", SERVICE)

    assert caught.value.message == f'ConfigMap "raw", key service.yaml: {message}'


def test_an_empty_section_is_as_good_as_none() -> None:
    raw = {"service.yaml": "{apiVersion: v1, kind: Service, metadata: , spec: }"}

    actual = layers({}, raw=raw).one("service.yaml", SERVICE)

    assert actual is not None
    assert actual.document == {"apiVersion": "v1", "kind": "Service"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            "{apiVersion: v1, kind: ConfigMap}",
            (
                'flavour "one", key app-config.yaml:'
                " metadata.name is missing; name the object"
            ),
        ),
        (
            text(config_map("a")),
            (
                'flavour "one", key app-config.yaml: metadata.name "a" is taken by'
                f" {ORIGIN}; use another name"
            ),
        ),
    ],
)
def test_objects_of_one_key_have_a_name_of_their_own(
    document: str, message: str
) -> None:
    files = {"app-config.yaml": text(config_map("a"))}

    with pytest.raises(errors.ManifestError) as caught:
        layers(files, flavour("one", app_config=document)).many(
            "app-config.yaml", CONFIG_MAP
        )

    assert caught.value.message == message


def test_a_flavour_that_does_not_fit_is_named() -> None:
    files = {"deployment.yaml": text(deployment({"name": "a"}))}
    one = flavour("one", deployment=text(deployment({"image": "b"})))

    with pytest.raises(errors.ManifestError) as caught:
        layers(files, one).one("deployment.yaml", WORKLOAD)

    assert caught.value.message == (
        'flavour "one", key deployment.yaml: spec.template.spec.containers[0]:'
        ' the key "name" is missing; add it'
    )


def test_a_platform_patch_that_does_not_fit_is_named() -> None:
    files = {"service.yaml": text(service()), "service.yaml.ocp": "spec: [x]"}

    with pytest.raises(errors.ManifestError) as caught:
        layers(files, platform="ocp").one("service.yaml", SERVICE)

    assert caught.value.message == (
        f"{ORIGIN}, file service.yaml.ocp, key service.yaml:"
        " spec: expected an object, found a list; match the object's field"
    )


@pytest.mark.parametrize(
    "read",
    [
        lambda stack: stack.one("service.yaml", SERVICE).document,
        lambda stack: stack.many("app-config.yaml", CONFIG_MAP)[0].document,
    ],
)
def test_what_a_caller_changes_is_his_own(
    read: Callable[[Layers], dict[str, Any]],
) -> None:
    files = {
        "service.yaml": text(service(type="ClusterIP")),
        "app-config.yaml": text(config_map("a")),
    }
    read(layers(files)).clear()

    assert read(layers(files))["apiVersion"] == "v1"
