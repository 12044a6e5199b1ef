"""Bytes as manifests write them: base64, read as the API server reads it."""

from __future__ import annotations

import base64

_LINE_BREAKS = str.maketrans("", "", "\r\n")


def decoded(text: str) -> bytes:
    """Return the bytes of a text; where its lines break does not matter.

    Raises:
        binascii.Error: the API server would not store it.
        ValueError: it has characters outside of ASCII.
    """
    return base64.b64decode(text.translate(_LINE_BREAKS), validate=True)


def encoded(content: bytes) -> str:
    """Return the text that the API server gives back for bytes."""
    return base64.b64encode(content).decode()
