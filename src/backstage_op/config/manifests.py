"""Manifests: YAML texts in, Kubernetes objects out, and back.

A text is parsed once; what is handed out is the caller's own copy.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from typing import Any, Final

import msgspec

from backstage_op import errors
from backstage_op.document import Document

from . import reader, words
from .writer import dump

__all__ = ["dump", "load_all", "load_one", "load_value"]

CACHE_BYTES: Final = 16 << 20

_SEPARATOR: Final = re.compile(r"^---[ \t]*(?:#.*)?$")
_BLANK: Final = re.compile(r"\A(?:[ \t]*\n)+")


class _Cache:
    """Parsed texts as JSON, by the digest of their content; bounded by size.

    JSON bytes cannot be changed by those who get a tree decoded from them.
    Texts are parsed in worker threads too.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> bytes | None:
        with self._lock:
            if (found := self._entries.get(digest)) is not None:
                self._entries.move_to_end(digest)
            return found

    def put(self, digest: bytes, content: bytes) -> None:
        with self._lock:
            if digest in self._entries:
                return
            self._entries[digest] = content
            self._size_bytes += len(content)
            while self._size_bytes > self._limit_bytes:
                _, dropped = self._entries.popitem(last=False)
                self._size_bytes -= len(dropped)


_cache: Final = _Cache(CACHE_BYTES)


def load_all(text: str, *, source: str, key: str) -> tuple[Document, ...]:
    """Return the objects of a text that may hold several documents.

    Documents are separated by lines ``---`` and trimmed, as the Go operator
    does: a block scalar at the end of a document loses its last line break.

    Args:
        text: YAML or JSON.
        source: The layer and the object or file, for messages.
        key: The key or file name of the text, for messages.

    Raises:
        errors.ManifestError: no object, or not a mapping, or not YAML.
    """
    documents = []
    for chunk, line in _split(text):
        value = _parse(chunk, line, source, key)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise errors.ManifestError(
                source,
                key,
                f"line {line}: expected an object, found {words.found(value)}; "
                "write a manifest or remove it",
            )
        documents.append(value)
    if not documents:
        raise errors.ManifestError(
            source, key, "holds no object; write a manifest or remove the key"
        )
    return tuple(documents)


def load_one(text: str, *, source: str, key: str) -> Document:
    """Return the only object of a text.

    Raises:
        errors.ManifestError: there is none, or more than one, or not YAML.
    """
    documents = load_all(text, source=source, key=key)
    if len(documents) > 1:
        raise errors.ManifestError(
            source,
            key,
            f"expected one object, found {len(documents)}; remove the others",
        )
    return documents[0]


def load_value(text: str, *, source: str, key: str) -> Any:
    """Return a text of one YAML document as a JSON tree, None if it is empty.

    Raises:
        errors.ManifestError: it is not YAML, or has several documents.
    """
    return _parse(text, 1, source, key)


def _split(text: str) -> list[tuple[str, int]]:
    """Return the documents of a text, each with the number of its first line."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    chunks: list[tuple[str, int]] = []
    start = 0
    for number, line in enumerate([*lines, "---"]):
        if _SEPARATOR.match(line):
            chunks.append(_trim("\n".join(lines[start:number]), start + 1))
            start = number + 1
    return chunks


def _trim(chunk: str, line: int) -> tuple[str, int]:
    blank = _BLANK.match(chunk)
    if blank is None:
        return chunk.rstrip(), line
    return chunk[blank.end() :].rstrip(), line + blank.group().count("\n")


def _parse(text: str, first_line: int, source: str, key: str) -> Any:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    content = _cache.get(digest)
    if content is None:
        try:
            content = msgspec.json.encode(reader.read(text))
        except reader.YamlFault as exc:
            message = exc.problem
            if exc.line:
                line = exc.line + first_line - 1
                column = f", column {exc.column}" if exc.column else ""
                message = f"line {line}{column}: {message}"
            raise errors.ManifestError(source, key, message) from None
        _cache.put(digest, content)
    return msgspec.json.decode(content)
