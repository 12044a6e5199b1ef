from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document

from .builders import composed, config_map, inputs, workload


def _faults(spec: Document, **arguments: Any) -> list[tuple[str, str]]:
    composition = resources.compose(inputs({"application": spec}, **arguments))
    return [(fault.reason, fault.message) for fault in composition.faults]


_OBJECTS: dict[str, Any] = {
    "config_maps": {"a": {"x": "1", "y": "1"}, "b": {"x": "2"}},
    "secrets": {"s": {"x": "3"}},
}


def test_two_entries_that_want_one_place_are_both_named() -> None:
    spec = {
        "extraFiles": {
            "configMaps": [{"name": "a"}, {"name": "b", "containers": ["*"]}],
            "secrets": [{"name": "s", "key": "x", "mountPath": "/elsewhere"}],
        }
    }

    assert _faults(spec, **_OBJECTS) == [
        (
            "ConflictingMounts",
            (
                'spec.application.extraFiles.configMaps[1]: ConfigMap "b" would be '
                "mounted at /opt/app-root/src/x of container backstage-backend, where "
                'spec.application.extraFiles.configMaps[0] mounts ConfigMap "a"; '
                "use another path for one of them"
            ),
        )
    ]


@pytest.mark.parametrize(
    "refs",
    [
        [{"name": "a"}, {"name": "a"}],
        [{"name": "a"}, {"name": "a", "key": "x"}],
        [{"name": "a"}, {"name": "b", "containers": ["install-dynamic-plugins"]}],
        [{"name": "a"}, {"name": "b", "mountPath": "/b"}],
    ],
)
def test_entries_that_agree_or_are_apart_are_fine(refs: list[Document]) -> None:
    assert _faults({"extraFiles": {"configMaps": refs}}, **_OBJECTS) == []


def test_what_the_configuration_mounts_is_replaced() -> None:
    manifest = config_map("f", x="default") | {
        "metadata": {"name": "f", "annotations": {"rhdh.redhat.com/sub-path": "*"}}
    }

    documents = composed(
        {"application": {"extraFiles": {"configMaps": [{"name": "a"}]}}},
        files={"configmap-files.yaml": manifest},
        **_OBJECTS,
    )

    pod = documents["deployment"]["spec"]["template"]["spec"]
    mounts = pod["containers"][0]["volumeMounts"]
    assert [(mount["mountPath"], mount["name"]) for mount in mounts] == [
        ("/opt/app-root/src/x", "a"),
        ("/opt/app-root/src/y", "a"),
    ]


@pytest.mark.parametrize(
    "path", ["/", "/opt", "/opt/app-root", "/opt/app-root/src", "//opt/", "."]
)
@pytest.mark.parametrize("field", ["configMaps", "pvcs"])
def test_what_would_hide_the_application_is_refused(field: str, path: str) -> None:
    spec = {"extraFiles": {field: [{"name": "a", "mountPath": path}]}}

    ((reason, message),) = _faults(spec, claims=frozenset({"a"}), **_OBJECTS)

    assert reason == "ForbiddenMount"
    assert message.startswith(f"spec.application.extraFiles.{field}[0]: /")
    assert message.endswith(
        " in container backstage-backend would hide the application in "
        "/opt/app-root/src; mount into a directory of its own"
    )


@pytest.mark.parametrize("path", ["/optional", "/opt/app-root/src/sub", "/data"])
def test_what_is_beside_the_application_is_fine(path: str) -> None:
    spec = {"extraFiles": {"configMaps": [{"name": "a", "mountPath": path}]}}

    assert _faults(spec, **_OBJECTS) == []


def test_the_application_is_where_its_container_works() -> None:
    containers = [{"name": "backstage-backend", "image": "b", "workingDir": "/app"}]
    spec = {"extraFiles": {"configMaps": [{"name": "a", "mountPath": "/app"}]}}

    ((reason, message),) = _faults(
        spec, files={"deployment.yaml": workload(containers=containers)}, **_OBJECTS
    )

    assert reason == "ForbiddenMount"
    assert "the application in /app" in message
