"""A manifest of a layer, and what is expected of it before anything is made of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

import msgspec

from backstage_op import errors
from backstage_op.document import Document

from . import shapes, words

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class Layered(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest and where it comes from.

    Attributes:
        document: The caller's own copy.
        source: ``default``, ``flavour-<name>``, or empty for raw configuration:
            the value of the annotation ``rhdh.redhat.com/source``.
        origin: The same for people, as messages name it.
    """

    document: Document
    source: str
    origin: str


def expect_kind(layer: Layered, key: str, kinds: Collection[tuple[str, str]]) -> None:
    """Check what a manifest says it is, and that its parts are objects.

    Raises:
        errors.ManifestError: it is of none of the pairs of apiVersion and kind.
    """
    document = layer.document
    version, kind = document.get("apiVersion"), document.get("kind")
    if not isinstance(kind, str | None):
        kind = "a kind that is not a string"
    if kind not in {allowed for _, allowed in kinds}:
        wanted = " or ".join(sorted({allowed for _, allowed in kinds}))
        raise _unexpected(layer, key, wanted, kind or "no kind")
    if (version, kind) not in kinds:
        versions = " or ".join(v for v, allowed in kinds if allowed == kind)
        found = version or "none"
        raise _unexpected(layer, key, f"{kind} of apiVersion {versions}", found)
    for field in ("metadata", "spec", "data"):
        _expect_mapping(layer, key, field)


def expect_namespace(layer: Layered, key: str, namespace: str) -> None:
    """Check that a manifest names no other namespace than that of the instance.

    Raises:
        errors.CrossNamespaceError: it does.
    """
    found = (layer.document.get("metadata") or {}).get("namespace")
    if found not in (None, "", namespace):
        raise errors.CrossNamespaceError(
            layer.origin,
            key,
            f'metadata.namespace: found "{found}", the resource is in '
            f'"{namespace}"; remove it',
        )


def named(layer: Layered, key: str) -> str:
    """Return the name of one of several objects of a key.

    It becomes a part of a name in the cluster, and of its address there.

    Raises:
        errors.ManifestError: there is none, or one that no object could have.
    """
    name = (layer.document.get("metadata") or {}).get("name")
    problem = ""
    if not isinstance(name, str) or not name:
        problem = "metadata.name is missing; name the object"
    elif not _NAME.fullmatch(name):
        problem = (
            f'metadata.name: found "{name}"; use lower case letters, digits, '
            "'-' and '.', beginning and ending with a letter or digit"
        )
    if problem:
        raise errors.ManifestError(layer.origin, key, problem)
    return str(name)


def shaped(layer: Layered, key: str) -> Layered:
    """Check what is the result of all layers; a patch alone may be anything.

    Raises:
        errors.ManifestError: a field has the wrong type.
    """
    if (problem := shapes.problem(layer.document)) is not None:
        raise errors.ManifestError(layer.origin, key, str(problem))
    return layer


def _unexpected(
    layer: Layered, key: str, wanted: str, found: Any
) -> errors.ManifestError:
    return errors.ManifestError(
        layer.origin,
        key,
        f"expected {wanted}, found {found}; correct the manifest or its key",
    )


def _expect_mapping(layer: Layered, key: str, field: str) -> None:
    document = layer.document
    if field not in document or isinstance(document[field], dict):
        return
    if document[field] is None:
        del document[field]
        return
    raise errors.ManifestError(
        layer.origin,
        key,
        f"{field}: expected an object, found {words.found(document[field])}; "
        "correct the manifest",
    )
