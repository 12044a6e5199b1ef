"""Whether applying a document would change anything, judged without asking the server.

The server records which fields a manager applied (``managedFields``, in the
form that KEP-555 calls ``fieldsV1``). Walking that record together with the
document and the live object answers exactly: every field we own is still
wanted, every field we want is owned, and the values are equal. That record
also tells how the server matches the elements of each list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from backstage_op.document import Document

_IDENTITY: Final = frozenset({"apiVersion", "kind"})
_IDENTITY_METADATA: Final = frozenset({"name", "namespace"})

_QUANTITY_PARENTS: Final = frozenset(
    {"limits", "requests", "capacity", "sizeLimit", "divisor", "storage"}
)
_QUANTITY: Final = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+|[a-zA-Z]*)")
_SUFFIXES: Final = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** (n + 1) for n, unit in enumerate("kMGTPE")},
    **{f"{unit}i": Decimal(1024) ** (n + 1) for n, unit in enumerate("KMGTPE")},
}

Fields = Mapping[str, Any]


def has_applied(live: Document, manager: str) -> bool:
    """Tell whether a manager has applied the object, or a part of it."""
    return _owned_fields(live, manager) is not None


def is_applied(desired: Document, live: Document, manager: str) -> bool:
    """Tell whether server-side applying ``desired`` would change nothing.

    A wrong "no" costs one needless request. There is no wrong "yes" for the
    kinds of this package.
    """
    fields = _owned_fields(live, manager)
    if fields is None:
        return False
    wanted = {key: value for key, value in desired.items() if key not in _IDENTITY}
    metadata = {
        key: value
        for key, value in desired["metadata"].items()
        if key not in _IDENTITY_METADATA
    }
    wanted.pop("metadata")
    if metadata:
        wanted["metadata"] = metadata
    return _map_equal(wanted, live, fields, "")


def _owned_fields(live: Document, manager: str) -> Fields | None:
    for entry in live["metadata"].get("managedFields") or ():
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and not entry.get("subresource")
        ):
            fields: Fields = entry.get("fieldsV1") or {}
            return fields
    return None


def _equal(desired: Any, live: Any, fields: Fields, name: str) -> bool:
    children = [key for key in fields if key != "."]
    if not children:
        return _atom_equal(desired, live, name)
    if isinstance(desired, dict) and isinstance(live, dict):
        return _map_equal(desired, live, fields, name)
    if isinstance(desired, list) and isinstance(live, list):
        if children[0].startswith("k:"):
            return _keyed_list_equal(desired, live, fields, children, name)
        return _set_equal(desired, live, children)
    return False


def _map_equal(
    desired: Mapping[str, Any], live: Mapping[str, Any], fields: Fields, name: str
) -> bool:
    owned = {key[2:] for key in fields if key.startswith("f:")}
    if owned != desired.keys():
        return False
    return all(
        key in live
        # Quantities are found by the name of the map they are in.
        and _equal(
            value,
            live[key],
            fields[f"f:{key}"],
            name if name in _QUANTITY_PARENTS else key,
        )
        for key, value in desired.items()
    )


def _keyed_list_equal(
    desired: list[Any], live: list[Any], fields: Fields, children: list[str], name: str
) -> bool:
    if len(desired) != len(children):
        return False
    left = {child: json.loads(child[2:]) for child in children}
    order: list[int] = []
    for element in desired:
        found = next((c for c, keys in left.items() if _matches(element, keys)), None)
        if found is None:
            return False
        keys = left.pop(found)
        place = next((n for n, x in enumerate(live) if _has_keys(x, keys)), None)
        if place is None or not _element_equal(
            element, live[place], fields[found], keys
        ):
            return False
        order.append(place)
    # The order of an applied list is part of what was applied.
    return order == sorted(order)


def _element_equal(
    element: Mapping[str, Any],
    live: Mapping[str, Any],
    fields: Fields,
    keys: Mapping[str, Any],
) -> bool:
    owned = {key[2:] for key in fields if key.startswith("f:")}
    # A key that the server defaulted, such as a port's protocol, is owned too.
    if owned - (keys.keys() - element.keys()) != element.keys():
        return False
    return all(
        key in live and _equal(value, live[key], fields[f"f:{key}"], key)
        for key, value in element.items()
    )


def _matches(element: Any, keys: Mapping[str, Any]) -> bool:
    """Tell whether a wanted element is the one with these, partly defaulted, keys."""
    return isinstance(element, dict) and all(
        key not in element or element[key] == value for key, value in keys.items()
    )


def _has_keys(element: Any, keys: Mapping[str, Any]) -> bool:
    return isinstance(element, dict) and all(
        element.get(key) == value for key, value in keys.items()
    )


def _set_equal(desired: list[Any], live: list[Any], children: list[str]) -> bool:
    owned = [json.loads(child[2:]) for child in children if child.startswith("v:")]
    return sorted(map(repr, owned)) == sorted(map(repr, desired)) and all(
        value in live for value in desired
    )


def _atom_equal(desired: Any, live: Any, name: str) -> bool:
    """Compare what is owned as a whole; fields that the server added do not count."""
    if isinstance(desired, dict) and isinstance(live, dict):
        return all(
            key in live
            and _atom_equal(
                value, live[key], name if name in _QUANTITY_PARENTS else key
            )
            for key, value in desired.items()
        )
    if isinstance(desired, list) and isinstance(live, list):
        return len(desired) == len(live) and all(
            _atom_equal(one, other, name)
            for one, other in zip(desired, live, strict=True)
        )
    if desired == live and isinstance(desired, bool) == isinstance(live, bool):
        return True
    return name in _QUANTITY_PARENTS and _amount(desired) == _amount(live) is not None


def _amount(value: Any) -> Decimal | None:
    """Return a Kubernetes quantity as a number, or None if it is none."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, suffix = match.groups()
    try:
        if suffix[:1] in ("e", "E") and suffix[1:]:
            return Decimal(number + suffix)
        return Decimal(number) * _SUFFIXES[suffix]
    except (InvalidOperation, KeyError):
        return None
