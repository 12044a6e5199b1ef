"""Strategic merge, against the two programs that define it.

``kubectl patch --local --type=strategic`` is the oracle of the API server's
dialect, ``kubectl kustomize`` of the other one; both work without a cluster.
More random cases: ``MERGE_CASES=1000``; the same again: ``MERGE_SEED=…``.
"""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backstage_op import errors
from backstage_op.config import ListMode, manifests, merge

CASES = int(os.environ.get("MERGE_CASES", "100"))
SEED = int(os.environ.get("MERGE_SEED") or random.SystemRandom().randrange(1 << 32))

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is the oracle, and is not on PATH"
)


class Generator:
    """Random Deployments, and patches that change them in every way we claim."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def sometimes(self, probability: float) -> bool:
        return self._random.random() < probability

    def some(self, items: str | list[str], most: int) -> list[str]:
        return self._random.sample(list(items), self._random.randrange(1, most + 1))

    def container(self, name: str, *, full: bool) -> dict[str, Any]:
        result: dict[str, Any] = {"name": name}
        if full or self.sometimes(0.5):
            result["image"] = self._random.choice("xyz")
        if self.sometimes(0.7):
            result["env"] = [
                {"name": n, "value": str(self._random.randrange(9))}
                for n in self.some("ABCDEF", 3)
            ]
        if self.sometimes(0.5):
            result["args"] = self.some("abc", 2)
        if self.sometimes(0.5):
            result["ports"] = [
                {"containerPort": int(p), "name": f"p{p}"} for p in self.some("123", 2)
            ]
        if self.sometimes(0.5):
            result["volumeMounts"] = [
                {"mountPath": f"/{m}", "name": f"v{m}"} for m in self.some("abc", 2)
            ]
        if self.sometimes(0.3):
            result["resources"] = {"limits": {"memory": "1Gi"}}
        return result

    def volume(self, name: str) -> dict[str, Any]:
        if self.sometimes(0.5):
            return {"name": name, "emptyDir": {}}
        return {"name": name, "configMap": {"name": self._random.choice("xy")}}

    def deployment(self, name: str) -> dict[str, Any]:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": name,
                "labels": dict.fromkeys(self.some("abc", 2), "1"),
                "finalizers": [f"x.io/{f}" for f in self.some("abc", 3)],
            },
            "spec": {
                "replicas": 1,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {
                        "containers": [
                            self.container(n, full=True)
                            for n in self.some(["c1", "c2", "c3", "c4"], 4)
                        ],
                        "volumes": [self.volume(f"v{n}") for n in self.some("abcd", 3)],
                        "tolerations": [{"key": "k"}],
                    },
                },
            },
        }

    def patch(self, base: dict[str, Any]) -> dict[str, Any]:
        pod: dict[str, Any] = {}
        if self.sometimes(0.8):
            known = [c["name"] for c in base["spec"]["template"]["spec"]["containers"]]
            pod["containers"] = [
                self.container_patch(name, known)
                for name in self.some(["c1", "c2", "c3", "c4", "c5"], 3)
            ]
        if self.sometimes(0.6):
            pod["volumes"] = [self.volume_patch(f"v{n}") for n in self.some("abcde", 3)]
        if self.sometimes(0.3):
            pod["tolerations"] = [{"key": "z"}]
        patch: dict[str, Any] = {"spec": {"template": {"spec": pod}}}
        if self.sometimes(0.4):
            label = self._random.choice("abcd")
            patch["metadata"] = {"labels": {label: self._random.choice([None, "9"])}}
        if self.sometimes(0.2):
            patch["spec"]["replicas"] = self._random.choice([3, None])
        return patch

    def container_patch(self, name: str, known: list[str]) -> dict[str, Any]:
        if self.sometimes(0.15):
            return {"name": name, "$patch": "delete"}
        container = self.container(name, full=False)
        if name not in known:
            container["image"] = "new"
        elif self.sometimes(0.2):
            container["args"] = None
        return container

    def volume_patch(self, name: str) -> dict[str, Any]:
        if self.sometimes(0.2):
            return {"name": name, "$patch": "delete"}
        source = {"secret": {"secretName": "s"}, "emptyDir": None, "configMap": None}
        return {"name": name, **source}

    def add_directives(self, base: dict[str, Any], patch: dict[str, Any]) -> None:
        """Add the directives that only the API server knows."""
        pod = patch["spec"]["template"]["spec"]
        if self.sometimes(0.5) and "containers" in pod:
            self._order_containers(base["spec"]["template"]["spec"], pod)
        if self.sometimes(0.4):
            metadata = patch.setdefault("metadata", {})
            metadata["$deleteFromPrimitiveList/finalizers"] = ["x.io/a", "x.io/z"]
        if self.sometimes(0.3):
            patch["spec"]["strategy"] = {"$retainKeys": ["type"], "type": "Recreate"}

    def _order_containers(self, base: dict[str, Any], pod: dict[str, Any]) -> None:
        patched = [c["name"] for c in pod["containers"]]
        if any("$patch" in c for c in pod["containers"]):
            # kubectl shifts the live list in place here: what it deletes hands
            # its place to what it adds. We keep the order that was asked for.
            return
        others = [c["name"] for c in base["containers"] if c["name"] not in patched]
        order = [*patched, *others[: self._random.randrange(len(others) + 1)]]
        self._random.shuffle(order)
        pod["$setElementOrder/containers"] = [{"name": name} for name in order]
        pod["containers"].sort(key=lambda c: order.index(c["name"]))


def offline(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "KUBECONFIG": "/dev/null",
    }
    return subprocess.run(
        ["kubectl", *command],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )


def normal(value: Any) -> Any:
    """Drop what a round trip through Go's types adds: empty structs and lists."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    items = {key: normal(item) for key, item in value.items()}
    return {
        key: item
        for key, item in items.items()
        if item not in ({}, None, []) or (key == "emptyDir" and item is not None)
    }


@needs_kubectl
@pytest.mark.timeout(600)
def test_kubectl_mode_gives_what_kubectl_gives(tmp_path: Path) -> None:
    generator = Generator(SEED)
    cases = []
    for number in range(CASES):
        base = generator.deployment(f"d{number}")
        patch = generator.patch(base)
        generator.add_directives(base, patch)
        cases.append((base, patch))

    def oracle(case: tuple[dict[str, Any], dict[str, Any]]) -> Any:
        base, patch = case
        file = tmp_path / f"{base['metadata']['name']}.json"
        file.write_text(json.dumps(base))
        arguments = ("--type=strategic", "-p", json.dumps(patch), "-o", "json")
        result = offline("patch", "--local", "-f", str(file), *arguments)
        return json.loads(result.stdout)

    with ThreadPoolExecutor(2) as executor:
        for (base, patch), expected in zip(
            cases, executor.map(oracle, cases), strict=True
        ):
            actual = merge(base, patch, mode=ListMode.KUBECTL)

            assert normal(actual) == normal(expected), (SEED, patch)


@needs_kubectl
@pytest.mark.timeout(600)
def test_prepend_mode_gives_what_kustomize_gives(tmp_path: Path) -> None:
    generator = Generator(SEED)
    cases = []
    for number in range(CASES):
        base = generator.deployment(f"d{number:04}")
        cases.append((base, generator.patch(base)))
    named = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            **patch,
            "metadata": {
                **patch.get("metadata", {}),
                "name": base["metadata"]["name"],
            },
        }
        for base, patch in cases
    ]
    (tmp_path / "kustomization.yaml").write_text(
        json.dumps(
            {
                "resources": ["bases.yaml"],
                "patches": [{"path": f"{number}.yaml"} for number in range(CASES)],
            }
        )
    )
    (tmp_path / "bases.yaml").write_text(
        "\n---\n".join(json.dumps(base) for base, _ in cases)
    )
    for number, patch in enumerate(named):
        (tmp_path / f"{number}.yaml").write_text(json.dumps(patch))

    text = offline("kustomize", str(tmp_path)).stdout
    expected = [manifests.load_value(t, source="", key="") for t in text.split("---\n")]
    by_name = {document["metadata"]["name"]: document for document in expected}
    for base, patch in cases:
        actual = merge(base, patch, mode=ListMode.PREPEND)

        assert normal(actual) == normal(by_name[base["metadata"]["name"]]), (
            SEED,
            patch,
        )


def test_neither_base_nor_patch_is_changed() -> None:
    generator = Generator(1)
    for number in range(50):
        base = generator.deployment(f"d{number}")
        patch = generator.patch(base)
        generator.add_directives(base, patch)
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
            "spec.$retainKeys: expected a list",
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
