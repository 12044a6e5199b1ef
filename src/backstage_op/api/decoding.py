"""From a document to the models, with errors that name the field.

Unknown fields are ignored: the API server prunes them, and a document that a
newer release stored must not stop this one.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from backstage_op import errors
from backstage_op.document import MAX_DEPTH, Document, deep_field

from .rules import TEXT_RULES
from .v1alpha5 import Backstage

_OPAQUE: Final = frozenset({"patch", "dynamicPlugins"})
"""Fields whose content is not ours: a null in them has a meaning."""

_MAX_FOUND_CHARACTERS: Final = 64
_PATH: Final = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_STEP: Final = re.compile(r"(?P<field>[^.\[\]]+)|\[(?P<index>\d+)\]")


def decode(document: Document) -> Backstage:
    """Return the model of a ``Backstage`` document.

    A null is an absent field, as it is for the API server.

    Raises:
        errors.SpecError: a field has a value of the wrong type, or one that the
            schema would refuse. The message holds a value only where it is a
            name or a path.
    """
    _check_depth(document)
    cleaned = _without_nulls(document)
    try:
        return msgspec.convert(cleaned, Backstage)
    except msgspec.ValidationError as exc:
        raise _spec_error(cleaned, str(exc)) from exc


def _check_depth(document: Any) -> None:
    """Check that what follows can use recursion."""
    fields = document if isinstance(document, dict) else {"the resource": document}
    field = deep_field(fields)
    if field is not None:
        raise errors.SpecError(
            field, f"nested deeper than {MAX_DEPTH} levels; flatten it"
        )


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: item if key in _OPAQUE else _without_nulls(item)
                for key, item in value.items()
                if item is not None
            }
        case list():
            return [_without_nulls(item) for item in value]
        case _:
            return value


def _spec_error(document: Document, text: str) -> errors.SpecError:
    found = _PATH.search(text)
    path = found["path"] if found else ""
    problem = text[: found.start()] if found else text
    for rule in TEXT_RULES:
        if repr(rule.meta().pattern) in problem:
            value = repr(_value_at(document, path))[:_MAX_FOUND_CHARACTERS]
            return errors.SpecError(path, f"found {value}; {rule.message}")
    return errors.SpecError(
        path or "the resource",
        f"{problem[:1].lower()}{problem[1:]}; see the field reference, docs/api.md",
    )


def _value_at(document: Any, path: str) -> Any:
    value = document
    for step in _STEP.finditer(path):
        value = value[int(step["index"]) if step["index"] else step["field"]]
    return value
