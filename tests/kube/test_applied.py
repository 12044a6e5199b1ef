"""The judgement of ``is_applied`` as a table; that the real server agrees is
tested in ``test_applied_on_server``."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from backstage_op import kube
from backstage_op.document import Document

MANAGER = "backstage-controller"

DESIRED: Document = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app", "namespace": "team", "labels": {"app": "x"}},
    "spec": {
        "replicas": 1,
        "paused": False,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "a:1",
                        "args": ["--config", "a.yaml"],
                        "resources": {"limits": {"cpu": "0.5", "memory": "1Gi"}},
                        "ports": [{"containerPort": 80}],
                    },
                    {"name": "side", "image": "b:1"},
                ],
            }
        },
    },
}

FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:paused": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"main"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:args": {},
                        "f:resources": {"f:limits": {"f:cpu": {}, "f:memory": {}}},
                        "f:ports": {
                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                            }
                        },
                    },
                    'k:{"name":"side"}': {".": {}, "f:name": {}, "f:image": {}},
                }
            }
        },
    },
}


def _live() -> Document:
    """The object after ``DESIRED`` was applied, as the server stores it."""
    live = copy.deepcopy(DESIRED)
    live["metadata"] |= {
        "uid": "1",
        "resourceVersion": "7",
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "managedFields": [
            {"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:x": {}}},
            {"manager": MANAGER, "operation": "Apply", "fieldsV1": FIELDS},
        ],
    }
    del live["spec"]["paused"]
    live["spec"]["strategy"] = {"type": "RollingUpdate"}
    main, side = live["spec"]["template"]["spec"]["containers"]
    main["resources"]["limits"]["cpu"] = "500m"
    main["ports"][0]["protocol"] = "TCP"
    side["imagePullPolicy"] = "IfNotPresent"
    live["status"] = {"availableReplicas": 1}
    return live


def _set(path: str, value: Any) -> Any:
    def change(document: Document) -> None:
        *parents, last = path.split("/")
        place: Any = document
        for part in parents:
            place = place[int(part) if part.isdecimal() else part]
        place[last] = value

    return change


def _del(path: str) -> Any:
    def change(document: Document) -> None:
        *parents, last = path.split("/")
        place: Any = document
        for part in parents:
            place = place[int(part) if part.isdecimal() else part]
        del place[int(last) if last.isdecimal() else last]

    return change


def _reverse(document: Document) -> None:
    document["spec"]["template"]["spec"]["containers"].reverse()


_LEAF: dict[str, Any] = {}


def _applied(fields: dict[str, Any]) -> Document:
    entry = {"manager": MANAGER, "operation": "Apply", "fieldsV1": fields}
    return {"metadata": {"name": "a", "managedFields": [entry]}}


CONTAINERS = "spec/template/spec/containers"
MAIN = f"{CONTAINERS}/0"


def test_what_was_applied_is_applied() -> None:
    assert kube.is_applied(DESIRED, _live(), MANAGER)


@pytest.mark.parametrize(
    "change",
    [
        _set("spec/replicas", 2),
        _set("spec/replicas", True),
        _set("spec/replicas", "1"),
        _set("spec/paused", True),
        _set("spec/revisionHistoryLimit", 3),
        _set("spec/strategy", {"type": "RollingUpdate"}),
        _set("metadata/labels", {"app": "y"}),
        _set("metadata/labels", {}),
        _set("metadata/annotations", {"a": "b"}),
        _set(f"{MAIN}/image", "a:2"),
        _set(f"{MAIN}/args", ["a.yaml", "--config"]),
        _set(f"{MAIN}/args", ["--config"]),
        _set(f"{MAIN}/resources/limits/cpu", "501m"),
        _set(f"{MAIN}/resources/limits/cpu", 5),
        _set(f"{MAIN}/ports", []),
        _set(f"{MAIN}/ports", [{"containerPort": 81}]),
        _set(f"{MAIN}/ports", [{"containerPort": 80, "protocol": "UDP"}]),
        _set(f"{MAIN}/name", "other"),
        _set(f"{MAIN}/resources", None),
        _set(CONTAINERS, {}),
        _del("spec/replicas"),
        _del("spec/paused"),
        _del("metadata/labels"),
        _del(f"{MAIN}/args"),
        _del(f"{CONTAINERS}/1"),
        _del(f"{CONTAINERS}/0"),
        _reverse,
    ],
)
def test_any_other_wish_is_not_applied(change: Any) -> None:
    desired = copy.deepcopy(DESIRED)
    change(desired)

    assert not kube.is_applied(desired, _live(), MANAGER)


@pytest.mark.parametrize(
    "change",
    [
        _set("spec/replicas", 3),
        _del("spec/replicas"),
        _set("spec/paused", True),
        _set("metadata/labels", {}),
        _set(f"{MAIN}/image", "evil:1"),
        _set(f"{MAIN}/args", []),
        _set(f"{MAIN}/resources/limits/memory", "2Gi"),
        _del(f"{CONTAINERS}/1"),
        _reverse,
    ],
)
def test_a_field_of_ours_that_somebody_changed_is_seen(change: Any) -> None:
    live = _live()
    change(live)

    assert not kube.is_applied(DESIRED, live, MANAGER)


@pytest.mark.parametrize(
    "change",
    [
        _set("metadata/annotations", {"theirs": "1"}),
        _set("spec/strategy", {"type": "Recreate"}),
        _set("status", {}),
        _set(f"{MAIN}/env", [{"name": "INJECTED"}]),
        _set(f"{MAIN}/resources/limits/memory", "1024Mi"),
    ],
)
def test_fields_of_others_do_not_matter(change: Any) -> None:
    live = _live()
    change(live)

    assert kube.is_applied(DESIRED, live, MANAGER)


def test_an_element_that_somebody_put_between_ours_does_not_matter() -> None:
    live = _live()
    live["spec"]["template"]["spec"]["containers"].insert(1, {"name": "injected"})

    assert kube.is_applied(DESIRED, live, MANAGER)


@pytest.mark.parametrize(
    "entry",
    [
        {"manager": "other", "operation": "Apply", "fieldsV1": FIELDS},
        {"manager": MANAGER, "operation": "Update", "fieldsV1": FIELDS},
        {
            "manager": MANAGER,
            "operation": "Apply",
            "subresource": "status",
            "fieldsV1": FIELDS,
        },
    ],
)
def test_what_another_manager_or_operation_wrote_is_not_applied_by_us(
    entry: dict[str, Any],
) -> None:
    live = _live()
    live["metadata"]["managedFields"] = [entry]

    assert not kube.is_applied(DESIRED, live, MANAGER)
    assert not kube.has_applied(live, MANAGER)


def test_an_object_without_managed_fields_is_not_applied() -> None:
    live = _live()
    del live["metadata"]["managedFields"]

    assert not kube.is_applied(DESIRED, live, MANAGER)


def test_to_have_applied_a_part_counts() -> None:
    assert kube.has_applied(_live(), MANAGER)


@pytest.mark.parametrize(
    ("wanted", "stored", "equal"),
    [
        ("0.5", "500m", True),
        (1, "1", True),
        (0.1, "100m", True),
        ("1Gi", "1024Mi", True),
        ("1G", "1e9", True),
        ("1e3", "1k", True),
        ("100E", "100e18", True),
        ("1Gi", "1G", False),
        ("500m", "501m", False),
        ("1Gi", "1GI", False),
        ("1x", "1y", False),
        ("", "0", False),
        ("1.2.3", "1.2.3.4", False),
    ],
)
def test_quantities_are_compared_as_numbers(
    wanted: Any, stored: Any, equal: bool
) -> None:
    desired = {"metadata": {"name": "a"}, "spec": {"limits": {"cpu": wanted}}}
    live = _applied({"f:spec": {"f:limits": {"f:cpu": _LEAF}}})
    live["spec"] = {"limits": {"cpu": stored}}

    assert kube.is_applied(desired, live, MANAGER) is equal


def test_elsewhere_what_looks_like_a_quantity_is_text() -> None:
    desired = {"metadata": {"name": "a"}, "data": {"a": "1Gi"}}
    live = _applied({"f:data": {"f:a": _LEAF}}) | {"data": {"a": "1024Mi"}}

    assert not kube.is_applied(desired, live, MANAGER)


@pytest.mark.parametrize(
    ("wanted", "stored", "equal"),
    [
        (["a", "b"], ["a", "b"], True),
        (["b", "a"], ["a", "b"], True),
        (["a", "b"], ["theirs", "a", "b"], True),
        (["a"], ["a", "b"], False),
        (["a", "b", "c"], ["a", "b", "c"], False),
        (["a", "b"], ["a"], False),
    ],
)
def test_a_set_is_compared_by_its_members(
    wanted: list[str], stored: list[str], equal: bool
) -> None:
    members = {'v:"a"': _LEAF, 'v:"b"': _LEAF}
    desired = {"metadata": {"name": "a", "finalizers": wanted}}
    live = _applied({"f:metadata": {"f:finalizers": members}})
    live["metadata"]["finalizers"] = stored

    assert kube.is_applied(desired, live, MANAGER) is equal


class _Watched(dict[str, Any]):
    """A variable that counts how often somebody looks at it."""

    looks = 0

    def get(self, key: str, default: Any = None) -> Any:
        _Watched.looks += 1
        return super().get(key, default)


def test_the_work_grows_with_the_list_and_not_with_its_square() -> None:
    def looks(count: int) -> int:
        names = [f"V{number}" for number in range(count)]
        variables = [_Watched(name=name, value="x") for name in names]
        owned: Document = {
            f'k:{{"name":"{n}"}}': {"f:name": {}, "f:value": {}} for n in names
        }
        desired, live = copy.deepcopy(DESIRED), _live()
        entry = live["metadata"]["managedFields"][1]
        fields = copy.deepcopy(entry["fieldsV1"])
        containers = fields["f:spec"]["f:template"]["f:spec"]["f:containers"]
        containers['k:{"name":"main"}']["f:env"] = owned
        entry["fieldsV1"] = fields
        for document in (desired, live):
            main = document["spec"]["template"]["spec"]["containers"][0]
            main["env"] = list(variables)
        _Watched.looks = 0
        assert kube.is_applied(desired, live, MANAGER)
        return _Watched.looks

    assert looks(100) * 10 == looks(1000) > 0
