"""The words that messages have for the types of a JSON tree.

They tell of a value no more than its type: it may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OF_SCHEMA: Final[Mapping[str, str]] = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "an object",
    "str": "a text",
}
"""A type as schemas name it, to the word."""

_NAMES: Final[Mapping[type, str]] = {
    dict: "object",
    list: "array",
    bool: "bool",
    float: "float",
    int: "int",
    str: "str",
}


def found(value: Any) -> str:
    """Return what a value is; null is nothing."""
    name = _NAMES.get(type(value), "")
    return OF_SCHEMA.get(name, "nothing")
