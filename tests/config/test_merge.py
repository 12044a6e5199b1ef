"""Strategic merge: order, directives, unions, limits, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from backstage_op import errors
from backstage_op.config import ListMode, merge

from .merge_cases import Generator


def test_neither_base_nor_patch_is_changed() -> None:
    generator = Generator(1)
    for number in range(50):
        base = generator.deployment(f"d{number}")
        patch = generator.patch()
        generator.add_directives(patch)
        before = copy.deepcopy((base, patch))
        for mode in ListMode:
            merged = merge(base, patch, mode=mode)
            merged["spec"]["template"]["spec"]["containers"].clear()

            assert (base, patch) == before


def test_append_mode_keeps_the_base_in_place_and_adds_at_the_end() -> None:
    base = {"containers": [{"name": "a"}, {"name": "b", "image": "1"}]}
    patch = {"containers": [{"name": "c"}, {"name": "b", "image": "2"}]}

    actual = merge(base, patch, mode=ListMode.APPEND)

    assert actual == {
        "containers": [{"name": "a"}, {"name": "b", "image": "2"}, {"name": "c"}]
    }


def test_prepend_mode_puts_the_patch_first() -> None:
    base = {"initContainers": [{"name": "a"}, {"name": "b", "image": "1"}]}
    patch = {"initContainers": [{"name": "c"}, {"name": "b", "image": "2"}]}

    actual = merge(base, patch, mode=ListMode.PREPEND)

    assert actual == {
        "initContainers": [{"name": "c"}, {"name": "b", "image": "2"}, {"name": "a"}]
    }


def test_an_empty_patch_changes_nothing() -> None:
    base = Generator(2).deployment("d")

    assert merge(base, {}) == base


def test_ports_of_a_service_are_matched_by_port_and_protocol() -> None:
    base = {"ports": [{"port": 80, "name": "http", "targetPort": "backend"}]}
    patch = {"ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}]}

    actual = merge(base, patch)

    assert actual == {
        "ports": [
            {
                "port": 80,
                "name": "http",
                "targetPort": "backend",
                "protocol": "TCP",
                "nodePort": 30080,
            }
        ]
    }


def test_the_same_port_of_two_protocols_is_two_ports() -> None:
    base = {"ports": [{"containerPort": 53, "protocol": "TCP"}]}
    patch = {"ports": [{"containerPort": 53, "protocol": "UDP"}]}

    actual = merge(base, patch)

    assert actual == {
        "ports": [
            {"containerPort": 53, "protocol": "TCP"},
            {"containerPort": 53, "protocol": "UDP"},
        ]
    }


@pytest.mark.parametrize("mode", ListMode)
def test_replace_directives_drop_what_was_there(mode: ListMode) -> None:
    base = {"strategy": {"type": "x"}, "env": [{"name": "A"}]}
    patch = {
        "strategy": {"$patch": "replace", "rollingUpdate": {"maxSurge": 1, "x": None}},
        "env": [{"$patch": "replace"}, {"name": "B"}],
    }

    actual = merge(base, patch, mode=mode)

    assert actual == {
        "strategy": {"rollingUpdate": {"maxSurge": 1}},
        "env": [{"name": "B"}],
    }


def test_a_delete_directive_removes_an_object_and_an_item() -> None:
    base = {"securityContext": {"x": 1}, "volumes": [{"name": "a"}, {"name": "b"}]}
    patch = {
        "securityContext": {"$patch": "delete"},
        "volumes": [{"name": "a", "$patch": "delete"}],
    }

    assert merge(base, patch) == {"volumes": [{"name": "b"}]}


def test_element_order_arranges_values_that_the_patch_does_not_mention() -> None:
    base = {"finalizers": ["a", "b", "c"]}
    patch = {"$setElementOrder/finalizers": ["c", "a"]}

    actual = merge(base, patch, mode=ListMode.KUBECTL)

    assert actual == {"finalizers": ["b", "c", "a"]}


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (
            {"spec": {"containers": [{"image": "x"}]}},
            'spec.containers[0]: the key "name" is missing; add it',
        ),
        (
            {"spec": []},
            "spec: expected an object, found a list; match the object's field",
        ),
        (
            {"spec": {"containers": {"name": "a"}}},
            (
                "spec.containers: expected a list, found an object;"
                " match the object's field"
            ),
        ),
        (
            {"spec": {"$patch": "remove"}},
            'spec.$patch: unknown directive "remove"; use merge, replace or delete',
        ),
        (
            {"spec": {"$retainKeys": "a"}},
            (
                "spec.$retainKeys: expected a list, found a text; "
                "put a dash before each entry"
            ),
        ),
        (
            {"spec": {"$retainKeys": ["a"], "b": 1}},
            'spec.$retainKeys: does not list "b"; list it or remove it',
        ),
        (
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "b"}],
                    "containers": [{"name": "a"}],
                }
            },
            "spec.$setElementOrder/containers: does not list a; add it",
        ),
    ],
)
def test_a_patch_that_does_not_fit_is_refused_with_its_path(
    patch: dict[str, Any], message: str
) -> None:
    base = {"spec": {"containers": [{"name": "a"}]}}

    with pytest.raises(errors.PatchError) as caught:
        merge(base, patch)

    assert caught.value.message == message


@pytest.mark.parametrize("depth", [64, 1100, 100_000])
@pytest.mark.parametrize("wrap", [lambda v: {"a": v}, lambda v: [v]])
def test_nesting_without_end_is_refused_and_exhausts_no_stack(
    depth: int, wrap: Any
) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = wrap(value)
    deep = {"spec": value}

    for base, patch in (({}, deep), (deep, {})):
        with pytest.raises(errors.PatchError) as caught:
            merge(base, patch)

        assert caught.value.message == (
            "spec: nested deeper than 64 levels; flatten it"
        )


def test_as_many_levels_as_the_limit_are_accepted() -> None:
    value: Any = "x"
    for _ in range(63):
        value = {"a": value}

    assert merge({}, {"spec": value}) == {"spec": value}


@pytest.mark.parametrize("mode", ListMode)
def test_long_lists_are_merged_item_by_item(mode: ListMode) -> None:
    base = {"env": [{"name": f"N{n}", "value": "a"} for n in range(40_000)]}
    names = [f"N{n}" for n in range(0, 60_000, 10)]
    patch = {"env": [{"name": name, "value": "b"} for name in names]}

    merged = merge(base, patch, mode=mode)["env"]

    assert len(merged) == 42_000
    changed = [item["name"] for item in merged if item["value"] == "b"]
    assert changed == names


@pytest.mark.parametrize(
    ("base", "patch", "expected"),
    [
        (
            {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
            {"strategy": {"type": "Recreate"}},
            {"strategy": {"type": "Recreate"}},
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {"updateStrategy": {"type": "OnDelete"}},
            {"updateStrategy": {"type": "OnDelete"}},
        ),
        (
            {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
            {"strategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            {
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
                }
            },
        ),
        (
            {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "secret": {}}]},
            {"volumes": [{"name": "a", "ephemeral": {}}]},
            {"volumes": [{"name": "a", "ephemeral": {}}, {"name": "b", "secret": {}}]},
        ),
        (
            {"volumes": [{"name": "a", "emptyDir": {"medium": "Memory"}}]},
            {"volumes": [{"name": "a", "emptyDir": {"sizeLimit": "1Gi"}}]},
            {
                "volumes": [
                    {"name": "a", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}
                ]
            },
        ),
        (
            {"readinessProbe": {"httpGet": {"path": "/"}, "periodSeconds": 3}},
            {"readinessProbe": {"tcpSocket": {"port": 1}}},
            {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 3}},
        ),
        (
            {"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}},
            {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}},
            {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}},
        ),
        (
            {"env": [{"name": "A", "value": "x"}]},
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}]},
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}]},
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}]},
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"key": "k"}}}]},
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"key": "k"}}}]},
        ),
        (
            {"seccompProfile": {"type": "Localhost", "localhostProfile": "p"}},
            {"seccompProfile": {"type": "RuntimeDefault"}},
            {"seccompProfile": {"type": "RuntimeDefault"}},
        ),
    ],
)
def test_what_a_patch_chooses_replaces_the_alternative_if_unions_are_settled(
    base: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert merge(base, patch, settle_unions=True) == expected


def test_a_key_may_be_a_number_and_true_is_not_one() -> None:
    base = {"finalizers": [1, True, "1"]}
    patch = {"$deleteFromPrimitiveList/finalizers": [True]}

    assert merge(base, patch) == {"finalizers": [1, "1"]}


def test_a_list_that_cannot_be_patched_is_named_with_its_item() -> None:
    base = {"spec": {"containers": [{"name": "a"}, "b"]}}

    with pytest.raises(errors.PatchError) as caught:
        merge(base, {"spec": {"containers": [{"name": "a"}]}})

    assert caught.value.message == (
        "spec.containers[1]: the object that is patched has a text here, not an "
        "object; correct it, or replace the list with $patch: replace"
    )
