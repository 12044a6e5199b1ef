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
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

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

Fields: TypeAlias = Mapping[str, Any]

_ZEROS: Final[tuple[Any, ...]] = (False, "", {}, [])

_KEY_DEFAULTS: Final = {"protocol": "TCP"}
"""What the server takes for a list key that an element does not have."""

_ANY: Final = object()
_ATOM_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "fieldRef": {"apiVersion": "v1"},
    "resourceFieldRef": {"divisor": "0"},
    "serviceAccountToken": {"expirationSeconds": 3600},
    "volumeClaimTemplates": {"apiVersion": "v1", "kind": _ANY, "status": _ANY},
    "volumeClaimTemplates.spec": {"volumeMode": "Filesystem"},
    # NetworkPolicy
    "ports": {"protocol": "TCP"},
    # HTTPRoute
    "parentRefs": {"group": "gateway.networking.k8s.io", "kind": "Gateway"},
    "backendRefs": {"group": "", "kind": "Service", "weight": 1},
    "rules": {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]},
    "matches": {"path": {"type": "PathPrefix", "value": "/"}},
    "path": {"type": "PathPrefix", "value": "/"},
}
"""What the server adds inside values that it owns as a whole, by their name."""


def has_applied(live: Document, manager: str) -> bool:
    """Tell whether a manager has applied the object, or a part of it."""
    return _owned_fields(live, manager) is not None


def has_written(live: Document, manager: str) -> bool:
    """Tell whether a manager has written the object, in whatever way."""
    return any(
        entry.get("manager") == manager and not entry.get("subresource")
        for entry in live["metadata"].get("managedFields") or ()
    )


def has_set(live: Document, manager: str, *path: str) -> bool:
    """Tell whether a manager has set a field otherwise than by applying it."""
    for entry in live["metadata"].get("managedFields") or ():
        if entry.get("manager") == manager and entry.get("operation") == "Update":
            fields: Any = entry.get("fieldsV1") or {}
            for name in path:
                fields = fields.get(f"f:{name}")
                if fields is None:
                    break
            else:
                return True
    return False


def is_applied(desired: Document, live: Document, manager: str) -> bool:
    """Tell whether server-side applying ``desired`` would change nothing.

    A wrong "no" costs one needless request; a wrong "yes" would leave a change
    undone, so whatever is not understood is a "no".
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
            return _keyed_list_equal(desired, live, fields, children)
        return _set_equal(desired, live, children)
    return False


def _map_equal(
    desired: Mapping[str, Any], live: Mapping[str, Any], fields: Fields, name: str
) -> bool:
    owned = {key[2:] for key in fields if key.startswith("f:")}
    return owned == desired.keys() and all(
        # Quantities are found by the name of the map they are in.
        _member_equal(value, live, fields[f"f:{key}"], key, _inherited(name, key))
        for key, value in desired.items()
    )


def _member_equal(
    value: Any, live: Mapping[str, Any], fields: Fields, key: str, name: str
) -> bool:
    if key not in live:
        # The server stores no zero values, and says that we own them all the same.
        return value in _ZEROS
    return _equal(value, live[key], fields, name)


def _keyed_list_equal(
    desired: list[Any], live: list[Any], fields: Fields, children: list[str]
) -> bool:
    if len(desired) != len(children):
        return False
    owned = [json.loads(child[2:]) for child in children]
    keys = sorted({key for one in owned for key in one})
    left = {_identity(one, keys): c for one, c in zip(owned, children, strict=True)}
    places: dict[_Identity, int] = {}
    for place, element in enumerate(live):
        places.setdefault(_identity(element, keys), place)
    order: list[int] = []
    for element in desired:
        identity = _identity(element, keys, _KEY_DEFAULTS)
        found = None if identity is None else left.pop(identity, None)
        place = places.get(identity, -1)
        if found is None or place < 0:
            return False
        if not _equal(element, live[place], fields[found], ""):
            return False
        order.append(place)
    # The order of an applied list is part of what was applied.
    return order == sorted(order)


_Identity: TypeAlias = tuple[Any, ...] | None


def _identity(
    element: Any, keys: Sequence[str], defaults: Mapping[str, Any] | None = None
) -> _Identity:
    """Return what tells an element of a list from the others, in the order of keys.

    None if it is nothing that could: no map, or one with a key that is no scalar.
    """
    if not isinstance(element, dict):
        return None
    values = tuple(element.get(key, (defaults or {}).get(key)) for key in keys)
    return None if any(isinstance(v, list | dict) for v in values) else values


def _set_equal(desired: list[Any], live: list[Any], children: list[str]) -> bool:
    owned = [json.loads(child[2:]) for child in children if child.startswith("v:")]
    return sorted(map(repr, owned)) == sorted(map(repr, desired)) and all(
        value in live for value in desired
    )


def _atom_equal(desired: Any, live: Any, name: str) -> bool:
    """Compare what is owned as a whole, but for the defaults the server adds."""
    if isinstance(desired, dict) and isinstance(live, dict):
        added = live.keys() - desired.keys()
        defaults = _ATOM_DEFAULTS.get(name, {})
        return all(
            key in defaults and defaults[key] in (_ANY, live[key]) for key in added
        ) and all(
            _atom_equal(value, live[key], _inherited(name, key))
            if key in live
            else value in _ZEROS
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


def _inherited(name: str, key: str) -> str:
    """Return the name by which a member is judged: its own, or its map's."""
    if name in _QUANTITY_PARENTS:
        return name
    # In a claim template, as in a claim, the specification has defaults.
    return f"{name}.{key}" if name == "volumeClaimTemplates" else key


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
