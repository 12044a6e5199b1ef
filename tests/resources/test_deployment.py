from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document, ObjectRef

from .builders import (
    LABELS,
    OWNER,
    composed,
    container,
    digest,
    faults,
    inputs,
    workload,
)

_IMAGES = resources.Images(backstage="pinned")


def _images(**arguments: Any) -> tuple[str, str]:
    documents = composed(arguments.pop("spec", None), **arguments)
    names = ("backstage-backend", "install-dynamic-plugins")
    backend, init = (container(documents, name)["image"] for name in names)
    return backend, init


def test_the_deployment_is_the_manifest_as_an_object_of_the_instance() -> None:
    documents = composed()

    label = {"rhdh.redhat.com/app": "backstage-my"}
    assert documents["deployment"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "backstage-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "spec": {
            "selector": {"matchLabels": {"a": "b"} | label},
            "template": {
                "metadata": {
                    "labels": {"a": "b"} | label,
                    "annotations": {
                        "rhdh.redhat.com/ext-config-hash": digest(documents)
                    },
                },
                "spec": {
                    "initContainers": [
                        {"name": "install-dynamic-plugins", "image": "i"}
                    ],
                    "containers": [
                        {
                            "name": "backstage-backend",
                            "image": "b",
                            "envFrom": [
                                {"secretRef": {"name": "backstage-psql-secret-my"}}
                            ],
                        }
                    ],
                },
            },
        },
    }
    assert resources.workload_ref(inputs().backstage) == ObjectRef(
        "apps/v1", "Deployment", "team", "backstage-my"
    )


def test_an_image_of_the_operator_replaces_that_of_the_configuration() -> None:
    assert _images() == ("b", "i")
    assert _images(images=_IMAGES) == ("pinned", "pinned")


def test_an_image_of_the_specification_replaces_that_of_the_operator() -> None:
    spec = {"application": {"image": "own"}}

    assert _images(spec=spec, images=_IMAGES) == ("own", "own")


def test_other_containers_keep_their_images() -> None:
    pod = workload(
        containers=[
            {"name": "sidecar", "image": "s"},
            {"name": "backstage-backend", "image": "b"},
        ]
    )

    documents = composed(files={"deployment.yaml": pod}, images=_IMAGES)

    assert container(documents, "sidecar")["image"] == "s"


def test_pull_secrets_of_the_specification_are_used() -> None:
    documents = composed({"application": {"imagePullSecrets": ["a", "b"]}})

    pod = documents["deployment"]["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize(
    ("manifest", "wanted", "idle", "replicas"),
    [
        (None, None, "false", None),
        (2, None, "false", 2),
        (2, 3, "false", 3),
        (None, 0, "false", 0),
        (2, 3, "true", 0),
        (None, None, "true", 0),
    ],
)
def test_replicas_are_set_only_by_manifest_specification_or_idling(
    manifest: int | None, wanted: int | None, idle: str, replicas: int | None
) -> None:
    deployment = workload()
    if manifest is not None:
        deployment["spec"]["replicas"] = manifest
    application: Document = {} if wanted is None else {"replicas": wanted}

    documents = composed(
        {"application": application},
        files={"deployment.yaml": deployment},
        annotations={"rhdh.redhat.com/idle": idle},
    )

    assert documents["deployment"]["spec"].get("replicas") == replicas


def test_the_deployment_is_ready_when_its_rollout_is_complete() -> None:
    made = next(o for o in resources.compose(inputs()).objects if o.key == "deployment")
    live = made.desired()
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")

    assert not made.ready(live).ready
    assert made.ready(live | {"status": dict.fromkeys(counts, 1)}).ready


def test_a_stateful_set_is_made_from_the_manifest_of_the_deployment() -> None:
    manifest = workload()
    manifest["spec"] |= {
        "strategy": {"type": "Recreate"},
        "progressDeadlineSeconds": 60,
        "paused": False,
        "revisionHistoryLimit": 3,
    }
    files = {"deployment.yaml": manifest}

    deployment = composed(files=files)["deployment"]
    actual = composed({"deployment": {"kind": "StatefulSet"}}, files=files)

    spec = {
        key: value
        for key, value in deployment["spec"].items()
        if key not in ("paused", "progressDeadlineSeconds", "strategy")
    }
    assert actual["deployment"] == deployment | {
        "kind": "StatefulSet",
        "spec": spec | {"serviceName": "headless-backstage-my"},
    }


def test_a_stateful_set_is_ready_when_its_pods_are() -> None:
    made = inputs({"deployment": {"kind": "StatefulSet"}})
    (workload,) = (o for o in resources.compose(made).objects if o.key == "deployment")
    live = workload.desired()
    ready = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}

    assert not workload.ready(live).ready
    assert workload.ready(live | {"status": ready}).ready
    assert workload.ref == resources.workload_ref(made.backstage)


def test_a_long_name_is_cut_for_a_stateful_set() -> None:
    name = "a" * 60
    spec = {"deployment": {"kind": "StatefulSet"}}

    made = composed(spec, name=name)["deployment"]

    # The label of the pods' revision adds eleven characters to the name.
    assert len(made["metadata"]["name"]) == 52
    assert composed(name=name)["deployment"]["metadata"]["name"] == f"backstage-{name}"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            workload(containers=[{"name": "other"}]),
            (
                'no container "backstage-backend"; found other, '
                "install-dynamic-plugins; name the portal's container so"
            ),
        ),
        (
            workload(containers=[]),
            "spec.template.spec.containers: empty; add a container",
        ),
        (
            workload() | {"spec": {"template": None}},
            "spec.template.spec.containers: empty; add a container",
        ),
        (
            workload() | {"kind": "DaemonSet"},
            "expected Deployment, found DaemonSet; correct the manifest or its key",
        ),
    ],
)
def test_a_manifest_that_cannot_be_used_is_a_fault(
    manifest: Document, message: str
) -> None:
    first, *_ = faults(files={"deployment.yaml": manifest})

    assert first == f"default configuration (test), key deployment.yaml: {message}"


def test_a_configuration_without_a_deployment_is_a_fault() -> None:
    assert faults(files={"deployment.yaml": None}) == [
        (
            "test, key deployment.yaml: missing; "
            "add the manifest of the portal's Deployment"
        )
    ]
