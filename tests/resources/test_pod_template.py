from __future__ import annotations

from typing import Any

import pytest

from backstage_op import errors
from backstage_op.document import Document
from backstage_op.resources.pod_template import (
    ContainerFilter,
    Environment,
    Mount,
    Origin,
    PodContribution,
    Variable,
    faults_of,
    joined,
    merged,
)

_ORIGIN = Origin(path="spec.here")


def _pod(**backend: Any) -> Document:
    return {
        "containers": [{"name": "backstage-backend", **backend}, {"name": "sidecar"}],
        "initContainers": [{"name": "install-dynamic-plugins"}],
    }


def _contribution(**fields: Any) -> PodContribution:
    return PodContribution(origin=_ORIGIN, **fields)


def _mount(name: str, path: str, kind: str = "ConfigMap", **fields: Any) -> Mount:
    return Mount(kind=kind, name=name, path=path, **fields)


def _backend(pod: Document) -> Document:
    found: Document = pod["containers"][0]
    return found


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), ["backstage-backend"]),
        (("*",), ["backstage-backend", "sidecar", "install-dynamic-plugins"]),
        (
            ("install-dynamic-plugins", "sidecar"),
            ["sidecar", "install-dynamic-plugins"],
        ),
    ],
)
def test_a_filter_selects_the_backend_all_or_those_named(
    names: tuple[str, ...], expected: list[str]
) -> None:
    selected = ContainerFilter(names).select(_pod(), _ORIGIN)

    assert [container["name"] for container in selected] == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), ("*", ("*",)), ("a", ("a",)), (" a , b,", ("a", "b"))],
)
def test_an_annotation_is_a_comma_list(text: str, names: tuple[str, ...]) -> None:
    assert ContainerFilter.of_annotation(text) == ContainerFilter(names)


def test_every_contribution_to_an_unknown_container_is_a_fault() -> None:
    unknown = ContainerFilter(("nope",))
    contributions = [
        _contribution(containers=unknown),
        _contribution(),
        PodContribution(
            origin=Origin(source='ConfigMap "raw"', key="pvcs.yaml"), containers=unknown
        ),
    ]

    faults = faults_of(_pod(), contributions)

    problem = (
        'container "nope" not found in the pod; '
        "use one of: backstage-backend, sidecar, install-dynamic-plugins"
    )
    assert [(type(fault), str(fault)) for fault in faults] == [
        (errors.UnknownContainerError, f"spec.here: {problem}"),
        (errors.ManifestError, f'ConfigMap "raw", key pvcs.yaml: {problem}'),
    ]
    with pytest.raises(errors.UnknownContainerError, match="nope"):
        merged(_pod(), contributions)


def test_merging_leaves_the_manifest_as_it_is() -> None:
    pod = _pod()

    merged(pod, [_contribution(mounts=(_mount("a", "/a"),))])

    assert pod == _pod()


def test_an_object_mounted_twice_is_one_volume() -> None:
    pod = merged(
        _pod(),
        [
            _contribution(mounts=(_mount("a", "/1", sub_path="1"),)),
            _contribution(mounts=(_mount("a", "/2"),)),
        ],
    )

    assert pod["volumes"] == [
        {
            "name": "a",
            "configMap": {"name": "a", "defaultMode": 0o644, "optional": False},
        }
    ]
    assert _backend(pod)["volumeMounts"] == [
        {"name": "a", "mountPath": "/1", "subPath": "1"},
        {"name": "a", "mountPath": "/2"},
    ]


def test_objects_of_one_name_and_several_kinds_are_several_volumes() -> None:
    kinds = ("ConfigMap", "Secret", "PersistentVolumeClaim")
    mounts = tuple(_mount("a", f"/{kind}", kind) for kind in kinds)

    pod = merged(
        _pod() | {"volumes": [{"name": "a", "emptyDir": {}}]},
        [_contribution(mounts=mounts)],
    )

    names = [volume["name"] for volume in pod["volumes"]]
    assert len(set(names)) == 4
    assert [mount["name"] for mount in _backend(pod)["volumeMounts"]] == names[1:]
    assert [list(volume)[1] for volume in pod["volumes"]] == [
        "emptyDir",
        "configMap",
        "secret",
        "persistentVolumeClaim",
    ]


def test_a_mount_replaces_only_the_one_at_its_path() -> None:
    first = _contribution(
        mounts=(_mount("a", "/d/a", sub_path="a"), _mount("a", "/d/b", sub_path="b"))
    )
    second = _contribution(
        mounts=(_mount("c", "/d/a", sub_path="a"), _mount("c", "/d/c", sub_path="c"))
    )

    pod = merged(_pod(), [first, second])

    mounts = _backend(pod)["volumeMounts"]
    assert [(mount["mountPath"], mount["name"]) for mount in mounts] == [
        ("/d/a", "c"),
        ("/d/b", "a"),
        ("/d/c", "c"),
    ]


def test_a_variable_replaces_the_one_of_its_name_where_it_stands() -> None:
    given = [{"name": "A", "value": "old"}, {"name": "B", "value": "b"}]
    variables = (
        Variable(name="C", value="c"),
        Variable(name="A", kind="Secret", source="s"),
        Variable(name="C", kind="ConfigMap", source="m"),
    )

    pod = merged(_pod(env=given), [_contribution(variables=variables)])

    assert _backend(pod)["env"] == [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "A"}}},
        {"name": "B", "value": "b"},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "C"}}},
    ]


def test_an_environment_is_injected_once() -> None:
    environments = (
        Environment("Secret", "s"),
        Environment("ConfigMap", "s"),
        Environment("Secret", "s"),
    )

    pod = merged(_pod(), [_contribution(environments=environments)])

    assert _backend(pod)["envFrom"] == [
        {"secretRef": {"name": "s"}},
        {"configMapRef": {"name": "s"}},
    ]


def test_only_the_backend_reads_config_files_and_each_once() -> None:
    every = ContainerFilter(("*",))

    pod = merged(
        _pod(args=["--verbose", "--config", "own.yaml"]),
        [
            _contribution(containers=every, config_files=("/a.yaml", "/b.yaml")),
            _contribution(config_files=("/a.yaml",)),
            _contribution(
                containers=ContainerFilter(("sidecar",)), config_files=("/c.yaml",)
            ),
        ],
    )

    assert _backend(pod)["args"] == [
        "--verbose",
        "--config",
        "own.yaml",
        "--config",
        "/b.yaml",
        "--config",
        "/a.yaml",
    ]
    assert pod["containers"][1] == {"name": "sidecar"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "/d"), ("x", "/d/x"), ("/x", "/x"), ("./x//y/", "/d/x/y")],
)
def test_a_relative_path_begins_at_the_directory(path: str, expected: str) -> None:
    assert joined("/d", path) == expected
