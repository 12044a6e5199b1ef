"""Kubernetes objects as plain JSON trees, and their identity.

An object that is applied is a *document*: a dict tree keeps every field, also
those that no model of ours knows. An object that is only read is decoded into
a partial struct (a *view*) where it is read.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

Document: TypeAlias = dict[str, Any]
"""A Kubernetes object: ``apiVersion``, ``kind``, ``metadata`` and its content."""


MAX_DEPTH: Final = 64
"""Levels below a field of a tree; what reads a tree may recurse that far."""


class ObjectRef(msgspec.Struct, frozen=True, order=True, gc=False):
    """The identity of an object: what, where, which.

    ``namespace`` is empty for a cluster-scoped object.
    """

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"


def ref_of(document: Document) -> ObjectRef:
    """Return the identity that a document carries.

    Raises:
        KeyError: ``apiVersion``, ``kind`` or ``metadata.name`` is absent.
    """
    metadata = document["metadata"]
    return ObjectRef(
        document["apiVersion"],
        document["kind"],
        metadata.get("namespace") or "",
        metadata["name"],
    )


def copied(tree: Any) -> Any:
    """Return a copy of a JSON tree that shares nothing with it.

    Far quicker than ``copy.deepcopy``, which looks for what a JSON tree never has.
    """
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [copied(value) for value in tree]
    return tree


def deep_field(tree: Document) -> str | None:
    """Return a field with more than :data:`MAX_DEPTH` levels, None if there is none.

    Without recursion, so that it may be asked of any tree.
    """
    for field, value in tree.items():
        level = [value]
        for _ in range(MAX_DEPTH):
            if not level:
                break
            level = [
                child
                for node in level
                if isinstance(node, dict | list)
                for child in (node.values() if isinstance(node, dict) else node)
            ]
        if level:
            return field
    return None
