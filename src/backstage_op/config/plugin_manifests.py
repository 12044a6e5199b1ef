"""The manifests of objects that plugins need: the files of ``plugin-deps``.

They are templates of an administrator. Placeholders in double braces that begin
with ``backstage-`` are filled in before the text is read as YAML; whatever else
stands in braces is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from backstage_op import errors
from backstage_op.document import Document

from . import manifests, shapes, words

FOLDER: Final = "plugin-deps"
_ENDINGS: Final = (".yaml", ".yml")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(backstage-[a-z0-9-]+)\s*\}\}")


def names_of(ref: str, files: Iterable[str]) -> tuple[str, ...]:
    """Return the files that a reference means, sorted.

    They are called like the reference, or continue it after a dash:
    ``argocd.yaml`` and ``argocd-rbac.yaml`` belong to ``argocd``, and
    ``argocdapps.yaml`` does not.
    """
    return tuple(sorted(name for name in files if _belongs(name, ref)))


def load(
    text: str, file: str, values: Mapping[str, str], *, source: str
) -> tuple[Document, ...]:
    """Return the objects of a file, its placeholders filled in.

    Args:
        text: The content of the file.
        file: Its name, for messages.
        values: Placeholder, without braces, to what it stands for.
        source: The configuration that the file is in, for messages.

    Raises:
        errors.ManifestError: a placeholder is unknown, the text is not YAML, or
            an object has no kind or no name.
    """
    key = f"{FOLDER}/{file}"
    unknown = sorted({m for m in _PLACEHOLDER.findall(text) if m not in values})
    if unknown:
        known = ", ".join(values)
        raise errors.ManifestError(
            source,
            key,
            f"placeholder {', '.join(unknown)} stands for nothing here; use {known}",
        )
    filled = _PLACEHOLDER.sub(lambda match: values[match[1]], text)
    documents = manifests.load_all(filled, source=source, key=key)
    for number, document in enumerate(documents):
        _check(document, number, source, key)
    return documents


def _belongs(name: str, ref: str) -> bool:
    for ending in _ENDINGS:
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            return stem == ref or stem.startswith(f"{ref}-")
    return False


def _check(document: Document, number: int, source: str, key: str) -> None:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    for field, value in (
        ("apiVersion", document.get("apiVersion")),
        ("kind", document.get("kind")),
        ("metadata.name", name),
    ):
        if not isinstance(value, str) or not value:
            raise errors.ManifestError(
                source, key, f"object {number + 1}: {field} is missing; add it"
            )
    namespace = (metadata or {}).get("namespace")
    problem = str(shapes.problem(document) or "")
    if not isinstance(namespace, str | None):
        problem = (
            f"metadata.namespace: expected a text, found {words.found(namespace)}; "
            "correct the manifest"
        )
    if problem:
        raise errors.ManifestError(source, key, f"object {number + 1}: {problem}")
