"""What a document holds: nulls, containers, and references to other objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from backstage_op.document import Document

_VOLUMES: Final = (
    ("configMap", "name", "ConfigMap"),
    ("secret", "secretName", "Secret"),
    ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"),
)
_VARIABLES: Final = (
    ("configMapRef", "ConfigMap"),
    ("configMapKeyRef", "ConfigMap"),
    ("secretRef", "Secret"),
    ("secretKeyRef", "Secret"),
)


def nulls(tree: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every null in a JSON tree."""
    if tree is None:
        yield path
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from nulls(value, f"{path}.{key}")
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from nulls(value, f"{path}[{index}]")


def containers(workload: Document) -> dict[str, Document]:
    """Return the containers of a workload by name, init containers last."""
    pod = pod_of(workload)
    found = [*pod.get("containers", []), *pod.get("initContainers", [])]
    return {container["name"]: container for container in found}


def pod_of(workload: Document) -> Document:
    """Return the pod spec of an object, an empty one if it has none."""
    pod: Document = workload.get("spec", {}).get("template", {}).get("spec", {})
    return pod


def references(workload: Document) -> Iterator[tuple[str, str]]:
    """Yield kind and name of every object that the pods of a workload refer to."""
    for volume in pod_of(workload).get("volumes", []):
        for field, name, kind in _VOLUMES:
            if field in volume:
                yield kind, volume[field][name]
    for container in containers(workload).values():
        entries = [*container.get("envFrom", [])]
        entries += [env.get("valueFrom", {}) for env in container.get("env", [])]
        for entry in entries:
            for field, kind in _VARIABLES:
                if field in entry:
                    yield kind, entry[field]["name"]
