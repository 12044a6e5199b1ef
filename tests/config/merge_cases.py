"""Random Deployments and patches, for the tests of the strategic merge."""

from __future__ import annotations

import random
from typing import Any


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

    def named(self, letters: str) -> list[dict[str, Any]]:
        return [{"name": n} for n in self.some(letters, len(letters))]

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
                        "initContainers": [
                            self.container(n, full=True)
                            for n in self.some(["i1", "i2", "i3"], 3)
                        ],
                        "imagePullSecrets": self.named("stu"),
                        "hostAliases": [
                            {"ip": f"10.0.0.{n}", "hostnames": ["h"]}
                            for n in self.some("123", 3)
                        ],
                        "volumes": [self.volume(f"v{n}") for n in self.some("abcd", 3)],
                        "tolerations": [{"key": "k"}],
                    },
                },
            },
        }

    def patch(self) -> dict[str, Any]:
        pod: dict[str, Any] = {}
        if self.sometimes(0.8):
            pod["containers"] = [
                self.container_patch(name)
                for name in self.some(["c1", "c2", "c3", "c4", "c5"], 3)
            ]
        if self.sometimes(0.5):
            pod["initContainers"] = [
                self.container_patch(name) for name in self.some(["i1", "i2", "i4"], 3)
            ]
        self.patch_lists(pod)
        patch: dict[str, Any] = {"spec": {"template": {"spec": pod}}}
        if self.sometimes(0.4):
            label = self._random.choice("abcd")
            patch["metadata"] = {"labels": {label: self._random.choice([None, "9"])}}
        if self.sometimes(0.2):
            patch["spec"]["replicas"] = self._random.choice([3, None])
        return patch

    def patch_lists(self, pod: dict[str, Any]) -> None:
        if self.sometimes(0.3):
            pod["imagePullSecrets"] = self.named("stv")
        if self.sometimes(0.3):
            pod["hostAliases"] = [
                {"ip": f"10.0.0.{n}", "hostnames": ["g"]} for n in self.some("234", 3)
            ]
        if self.sometimes(0.6):
            pod["volumes"] = [self.volume_patch(f"v{n}") for n in self.some("abcde", 3)]
        if self.sometimes(0.3):
            pod["tolerations"] = [{"key": "z"}]

    def container_patch(self, name: str) -> dict[str, Any]:
        if self.sometimes(0.15):
            return {"name": name, "$patch": "delete"}
        container = self.container(name, full=False)
        if self.sometimes(0.2):
            container["args"] = None
        return container

    def volume_patch(self, name: str) -> dict[str, Any]:
        if self.sometimes(0.2):
            return {"name": name, "$patch": "delete"}
        source = {"secret": {"secretName": "s"}, "emptyDir": None, "configMap": None}
        return {"name": name, **source}

    def add_directives(self, patch: dict[str, Any]) -> None:
        """Add the directives that only the API server knows."""
        pod = patch["spec"]["template"]["spec"]
        if self.sometimes(0.5) and "containers" in pod:
            self._order_containers(pod)
        if self.sometimes(0.4):
            metadata = patch.setdefault("metadata", {})
            metadata["$deleteFromPrimitiveList/finalizers"] = ["x.io/a", "x.io/z"]
        if self.sometimes(0.3):
            patch["spec"]["strategy"] = {"$retainKeys": ["type"], "type": "Recreate"}

    def _order_containers(self, pod: dict[str, Any]) -> None:
        patched = [c["name"] for c in pod["containers"]]
        if any("$patch" in c for c in pod["containers"]):
            # kubectl shifts the live list in place here: what it deletes hands
            # its place to what it adds. We keep the order that was asked for.
            return
        others = [c for c in ("c1", "c2", "c3", "c4") if c not in patched]
        order = [*patched, *others[: self._random.randrange(len(others) + 1)]]
        self._random.shuffle(order)
        pod["$setElementOrder/containers"] = [{"name": name} for name in order]
        pod["containers"].sort(key=lambda c: order.index(c["name"]))
