"""Strategic merge: a patch over an object, lists merged by their keys.

Two dialects exist. ``kubectl patch --type=strategic`` (the API server's own)
matches by one key and knows all directives. The Go operator and kustomize
merge by all map keys of a list and put new items last or first. Both are here,
told apart by :class:`ListMode`. Neither base nor patch is changed.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Hashable, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

from backstage_op import errors
from backstage_op.document import Document

Items: TypeAlias = list[dict[str, Any]]


class ListMode(StrEnum):
    """Where the items of a patch go in a list that is merged by key."""

    APPEND = "append"
    """Items of the base keep their place, new ones come last."""
    PREPEND = "prepend"
    """Items of the patch come first, in the order of the patch."""
    KUBECTL = "kubectl"
    """As the API server orders them: by the patch, the others slotted in."""


_MERGE_KEYS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "conditions": (("type",),),
    "containers": (("name",),),
    "env": (("name",),),
    "ephemeralContainers": (("name",),),
    "hostAliases": (("ip",),),
    "imagePullSecrets": (("name",),),
    "initContainers": (("name",),),
    "ownerReferences": (("uid",),),
    # of a container, and of a Service
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "resourceClaims": (("name",),),
    "schedulingGates": (("name",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "volumeDevices": (("devicePath",),),
    "volumeMounts": (("mountPath",),),
    "volumes": (("name",),),
}
"""Lists that Kubernetes merges by key: field to the keys of their items.

From ``x-kubernetes-patch-merge-key`` and ``x-kubernetes-list-map-keys`` in the
OpenAPI of core/v1 and apps/v1. Other lists are replaced as a whole.
"""

_SETS: Final = frozenset({"finalizers"})
_PATCH: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_ORDER: Final = "$setElementOrder/"
_REMOVE: Final = "$deleteFromPrimitiveList/"


def merge(
    base: Document, patch: Document, *, mode: ListMode = ListMode.APPEND
) -> Document:
    """Return the base with the patch applied; null in a patch removes a field.

    Directives: ``$patch`` (merge, replace, delete), ``$retainKeys``,
    ``$setElementOrder/<list>`` and ``$deleteFromPrimitiveList/<list>``.

    Raises:
        errors.PatchError: the patch has another shape than the base, lacks the
            merge key of an item, or has a directive that does not exist.
    """
    merged = _merge_mapping(base, patch, mode, "")
    return {} if merged is None else merged


def _merge_value(base: Any, patch: Any, mode: ListMode, field: str, path: str) -> Any:
    if isinstance(patch, dict):
        return _merge_mapping(_expect(base, dict, path), patch, mode, path)
    if isinstance(patch, list):
        return _merge_sequence(_expect(base, list, path), patch, mode, field, path)
    return patch


def _expect(base: Any, wanted: type, path: str) -> Any:
    if base is None or isinstance(base, wanted):
        return base
    names: dict[type, str] = {dict: "an object", list: "a list"}
    found = names.get(type(base), "a single value")
    raise errors.PatchError(
        path, f"expected {found}, found {names[wanted]}; match the object's field"
    )


def _merge_mapping(
    base: Document | None, patch: Document, mode: ListMode, path: str
) -> Document | None:
    directive = patch.get(_PATCH, "merge")
    if directive == "delete":
        return None
    fields = {key: value for key, value in patch.items() if not key.startswith("$")}
    if directive == "replace":
        return _clean_mapping(fields)
    if directive != "merge":
        raise errors.PatchError(
            _join(path, _PATCH),
            f'unknown directive "{directive}"; use merge, replace or delete',
        )
    result = _retained(base or {}, patch, path)
    _remove_primitives(result, patch, path)
    for key, value in fields.items():
        merged = _merge_field(result, key, value, mode, path)
        if merged is None:
            result.pop(key, None)
        else:
            result[key] = merged
    _set_order(result, base or {}, patch, path)
    return result


def _merge_field(
    result: Document, key: str, value: Any, mode: ListMode, path: str
) -> Any:
    if value is None:
        return None
    return _merge_value(result.get(key), value, mode, key, _join(path, key))


def _retained(base: Document, patch: Document, path: str) -> Document:
    if _RETAIN not in patch:
        return copy.deepcopy(base)
    keep = _directive_list(patch, _RETAIN, path)
    dropped = [
        key
        for key, value in patch.items()
        if value is not None and not key.startswith("$") and key not in keep
    ]
    if dropped:
        raise errors.PatchError(
            _join(path, _RETAIN), f'does not list "{dropped[0]}"; list it or remove it'
        )
    return {key: copy.deepcopy(value) for key, value in base.items() if key in keep}


def _remove_primitives(result: Document, patch: Document, path: str) -> None:
    for directive in (key for key in patch if key.startswith(_REMOVE)):
        field = directive.removeprefix(_REMOVE)
        remove = _directive_list(patch, directive, path)
        if isinstance(result.get(field), list):
            result[field] = [item for item in result[field] if item not in remove]


def _directive_list(patch: Document, directive: str, path: str) -> list[Any]:
    value = patch[directive]
    if not isinstance(value, list):
        raise errors.PatchError(_join(path, directive), "expected a list")
    return value


def _merge_sequence(
    base: list[Any] | None, patch: list[Any], mode: ListMode, field: str, path: str
) -> list[Any]:
    if field in _SETS:
        return list(dict.fromkeys([*(base or []), *patch]))
    keys = _keys_of(field, patch)
    if keys is None:
        return _clean_sequence(patch)
    if any(item == {_PATCH: "replace"} for item in patch):
        return _clean_sequence([item for item in patch if item != {_PATCH: "replace"}])
    if not all(isinstance(item, dict) for item in base or []):
        raise errors.PatchError(path, "the list has items that are not objects")
    if mode is ListMode.KUBECTL:
        keys = keys[:1]
    return _merge_items(base or [], patch, keys, mode, path)


def _keys_of(field: str, patch: list[Any]) -> tuple[str, ...] | None:
    """Return the merge keys of a list, None if it is replaced as a whole."""
    candidates = _MERGE_KEYS.get(field)
    if candidates is None or not all(isinstance(item, dict) for item in patch):
        return None
    for keys in candidates:
        if any(keys[0] in item for item in patch):
            return keys
    return candidates[0]


def _merge_items(
    base: Items, patch: Items, keys: tuple[str, ...], mode: ListMode, path: str
) -> Items:
    slots: list[dict[str, Any] | None] = [copy.deepcopy(item) for item in base]
    touched: Items = []
    added: Items = []
    for number, item in enumerate(patch):
        name = item.get(keys[0])
        if name is None:
            raise errors.PatchError(
                f"{path}[{number}]", f'the key "{keys[0]}" is missing; add it'
            )
        place = _find(slots, item, keys)
        target = None if place is None else slots[place]
        merged = _merge_mapping(target, item, mode, f"{path}[{keys[0]}={name}]")
        if place is not None:
            slots[place] = merged
        elif merged is not None:
            added.append(merged)
        if merged is not None:
            touched = [other for other in touched if other is not target]
            touched.append(merged)
    live = [item for item in slots if item is not None]
    return _ordered(live, touched, added, base, keys[0], mode)


def _find(
    slots: Sequence[dict[str, Any] | None], item: dict[str, Any], keys: tuple[str, ...]
) -> int | None:
    for place, other in enumerate(slots):
        if other is not None and _is_same(other, item, keys):
            return place
    return None


def _is_same(a: dict[str, Any], b: dict[str, Any], keys: tuple[str, ...]) -> bool:
    """Compare the keys of two items; further keys match if one side has none."""
    first, *others = keys
    return a.get(first) == b.get(first) and all(
        not a.get(key) or not b.get(key) or a[key] == b[key] for key in others
    )


def _ordered(  # noqa: PLR0917 - one call, all of the same list
    live: Items, touched: Items, added: Items, base: Items, key: str, mode: ListMode
) -> Items:
    if mode is ListMode.APPEND:
        return live + added
    untouched = [item for item in live if not any(item is other for other in touched)]
    if mode is ListMode.PREPEND:
        return touched + untouched
    return _interleave(
        untouched,
        touched,
        {item[key]: place for place, item in enumerate(base)},
        lambda item: item[key],
    )


def _interleave(
    untouched: list[Any], touched: list[Any], places: dict[Hashable, int], name: Any
) -> list[Any]:
    """Slot untouched items in before the first touched item that stood after them."""
    left, right, result = list(untouched), list(touched), []
    while left and right:
        here = places.get(name(right[0]))
        if here is not None and places[name(left[0])] < here:
            result.append(left.pop(0))
        else:
            result.append(right.pop(0))
    return result + left + right


def _set_order(result: Document, base: Document, patch: Document, path: str) -> None:
    """Bring lists in the order that ``$setElementOrder`` directives ask for."""
    for directive in (key for key in patch if key.startswith(_ORDER)):
        field = directive.removeprefix(_ORDER)
        order = _directive_list(patch, directive, path)
        items = result.get(field)
        if not isinstance(items, list):
            continue
        keys = _keys_of(field, order)
        key = keys[0] if keys else None
        wanted = [_name(item, key) for item in order]
        for item in patch.get(field) or []:
            if _is_kept(item) and _name(item, key) not in wanted:
                raise errors.PatchError(
                    _join(path, directive), f"does not list {_name(item, key)}; add it"
                )
        places = {_name(item, key): n for n, item in enumerate(base.get(field) or [])}
        listed = [item for item in items if _name(item, key) in wanted]
        listed.sort(key=lambda item: wanted.index(_name(item, key)))
        others = [item for item in items if _name(item, key) not in wanted]
        result[field] = _interleave(
            others, listed, places, functools.partial(_name, key=key)
        )


def _is_kept(item: Any) -> bool:
    return not (isinstance(item, dict) and item.get(_PATCH) == "delete")


def _name(item: Any, key: str | None) -> Hashable:
    name: Hashable = item.get(key) if key and isinstance(item, dict) else item
    return name


def _clean_mapping(value: Document) -> Document:
    return {
        key: _clean(item)
        for key, item in value.items()
        if item is not None and not key.startswith("$")
    }


def _clean_sequence(value: list[Any]) -> list[Any]:
    return [_clean(item) for item in value if _is_kept(item)]


def _clean(value: Any) -> Any:
    """Return added content without nulls and directives."""
    if isinstance(value, dict):
        return _clean_mapping(value)
    if isinstance(value, list):
        return _clean_sequence(value)
    return value


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field
