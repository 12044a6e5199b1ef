"""Objects, edges and faults of whole instances."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.graph import Gate, Need, Node, Outcome, Plan

from .builders import (
    OPENSHIFT,
    ROUTE,
    SERVICE,
    backend,
    composed,
    config_map,
    faults,
    inputs,
    not_found,
    workload,
)


def _raw(**manifests: Document | str) -> dict[str, Any]:
    """Return arguments of inputs with raw configuration, ``_yaml`` as ``.yaml``."""
    texts = {
        key.replace("_yaml", ".yaml").replace("_", "-"): (
            value if isinstance(value, str) else json.dumps(value)
        )
        for key, value in manifests.items()
    }
    return {"config_maps": {"raw": texts}}


_RAW: Final = {"rawRuntimeConfig": {"backstageConfig": "raw"}}


async def _nothing() -> Outcome:
    return Outcome.ok()


def test_the_objects_form_a_plan_with_the_portal_after_what_it_mounts() -> None:
    files = {
        "app-config.yaml": config_map("base", a=""),
        "pvcs.yaml": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "claim"},
        },
        "route.yaml": ROUTE,
    }

    composition = resources.compose(inputs(files=files, platform=OPENSHIFT))

    plan = Plan(
        Node(key=made.key, needs=made.needs, step=_nothing)
        for made in composition.objects
    )
    assert {node.key: node.needs for node in plan} == {
        "app-config/base": (),
        "checksum-key": (),
        "db-secret": (),
        "db-service": (),
        "db-statefulset": (Need("db-secret"), Need("db-service")),
        "deployment": (
            Need("checksum-key"),
            Need("app-config/base"),
            Need("pvcs/claim"),
            Need("db-secret"),
            Need("db-statefulset", Gate.READY),
        ),
        "pvcs/claim": (),
        "route": (Need("service"),),
        "service": (),
    }
    assert resources.WORKLOAD_KEY in {made.key for made in composition.objects}
    assert composition.documents.keys() == {made.key for made in composition.objects}


def test_every_document_is_what_its_object_is_identified_by() -> None:
    composition = resources.compose(inputs(platform=OPENSHIFT))

    for made in composition.objects:
        document = composition.documents[made.key]
        assert (
            document["apiVersion"],
            document["kind"],
            document["metadata"]["namespace"],
            document["metadata"]["name"],
        ) == (
            made.ref.api_version,
            made.ref.kind,
            made.ref.namespace,
            made.ref.name,
        )


def test_all_faults_of_a_specification_are_reported_at_once() -> None:
    messages = faults(
        {
            "application": {
                "appConfig": {"configMaps": [{"name": "absent"}]},
                "extraEnvs": {
                    "envs": [{"name": "A", "value": "1", "containers": ["nope"]}]
                },
                "extraFiles": {"pvcs": [{"name": "claim"}]},
            },
            "database": {"authSecretName": "pg"},
            "flavours": [{"name": "nope"}],
        },
        files={
            "service.yaml": SERVICE | {"kind": "Pod"},
            "route.yaml": ROUTE | {"apiVersion": "v1"},
        },
        platform=OPENSHIFT,
    )

    assert [message.partition(": ")[0] for message in messages] == [
        "spec.flavours[0].name",
        "spec.application.appConfig.configMaps[0]",
        "spec.database.authSecretName",
        "spec.application.extraFiles.pvcs[0]",
        "default configuration (test), key service.yaml",
        "default configuration (test), key route.yaml",
        "spec.application.extraEnvs.envs[0]",
    ]


def test_a_raw_manifest_replaces_the_one_of_its_key() -> None:
    raw = workload(containers=[{"name": "backstage-backend", "image": "raw"}])

    documents = composed(_RAW, **_raw(deployment_yaml=raw))

    assert backend(documents)["image"] == "raw"


def test_the_raw_configuration_of_the_database_wins_over_that_of_the_portal() -> None:
    spec = {"rawRuntimeConfig": {"backstageConfig": "a", "localDbConfig": "b"}}

    documents = composed(
        spec,
        config_maps={
            name: {"configmap-files.yaml": json.dumps(config_map(name, k=""))}
            for name in ("a", "b")
        },
    )

    assert "configmap-files/b" in documents
    assert "configmap-files/a" not in documents


def test_raw_configuration_that_cannot_be_used_is_a_fault_of_its_object() -> None:
    assert faults(_RAW, config_maps={"raw": None}) == [
        not_found("spec.rawRuntimeConfig.backstageConfig", "ConfigMap", "raw")
    ]
    (message,) = faults(_RAW, **_raw(deployments_yaml=""))
    assert message.startswith(
        'ConfigMap "raw", key deployments.yaml: no object is made from it; '
        'did you mean "deployment.yaml"?'
    )


@pytest.mark.parametrize(
    ("value", "is_idled"), [("true", True), ("false", False), ("True", False)]
)
def test_an_instance_is_idled_by_its_annotation(value: str, is_idled: bool) -> None:
    made = inputs(annotations={"rhdh.redhat.com/idle": value})

    assert resources.is_idled(made.backstage) is is_idled


@pytest.mark.parametrize(
    "manifests",
    [
        {"service_yaml": SERVICE | {"spec": {"selector": "text"}}},
        {"deployment_yaml": workload(containers="text")},
        {"deployment_yaml": workload(volumes={"a": {"emptyDir": {}}})},
        {"deployment_yaml": workload(initContainers=[{"image": "no name"}])},
        {"app_config_yaml": config_map("a") | {"data": {"a.yaml": {"app": {}}}}},
        {"configmap_files_yaml": config_map("a") | {"binaryData": {"k": "no!"}}},
    ],
    ids=lambda manifests: next(iter(manifests)),
)
def test_a_raw_manifest_of_the_wrong_shape_is_a_fault(
    manifests: dict[str, Document],
) -> None:
    spec = _RAW | {"application": {"route": {"host": "a.test"}}}

    assert faults(
        spec, platform=OPENSHIFT, files={"route.yaml": ROUTE}, **_raw(**manifests)
    )


def test_raw_configuration_that_is_no_text_is_a_fault_of_its_key() -> None:
    source = resources.Source("ConfigMap", "raw")
    data = resources.SourceData({"service.yaml": b"\xff"})
    made = msgspec.structs.replace(inputs(_RAW), sources={source: data})

    assert [(f.reason, f.message) for f in resources.compose(made).faults] == [
        (
            "InvalidRawConfig",
            'ConfigMap "raw", key service.yaml: not text in UTF-8; correct the entry',
        )
    ]


@pytest.mark.parametrize("entry", ["../x", "a/b", "..", "."])
def test_a_configured_entry_that_names_no_file_is_a_fault(entry: str) -> None:
    (message,) = faults(files={"configmap-files.yaml": config_map("f", **{entry: "x"})})

    assert message == (
        f'default configuration (test), key configmap-files.yaml: data["{entry}"]: not '
        "a key that a file can be named by; use letters, digits, '-', '_' and '.'"
    )
