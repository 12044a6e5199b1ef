"""Lists in a strategic merge: which are merged by key, and in which order.

Items are found by an index of their keys, so that long lists cost no more than
their length.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from backstage_op import errors
from backstage_op.document import copied

from . import words

Item: TypeAlias = dict[str, Any]
Items: TypeAlias = list[Item]
MergeItem: TypeAlias = Callable[[Item | None, Item, str], Item | None]
"""Merges one item, found (or None) and patch, at a path; None deletes it."""


class ListMode(StrEnum):
    """Where the items of a patch go in a list that is merged by key."""

    APPEND = "append"
    """Items of the base keep their place, new ones come last."""
    PREPEND = "prepend"
    """Items of the patch come first, in the order of the patch."""
    KUBECTL = "kubectl"
    """As the API server orders them: by the patch, the others slotted in."""


_MERGE_KEYS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
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


def keys_of(field: str, items: list[Any]) -> tuple[str, ...] | None:
    """Return the merge keys of a list, None if it is replaced as a whole."""
    candidates = _MERGE_KEYS.get(field)
    if candidates is None or not all(isinstance(item, dict) for item in items):
        return None
    for keys in candidates:
        if any(keys[0] in item for item in items):
            return keys
    return candidates[0]


def merge_items(  # noqa: PLR0917 - one call
    base: Items,
    patch: Items,
    keys: tuple[str, ...],
    mode: ListMode,
    path: str,
    merge_item: MergeItem,
) -> Items:
    """Return a list with the items of a patch merged into those of the same key.

    Raises:
        errors.PatchError: an item of the patch lacks the key.
    """
    if mode is ListMode.KUBECTL:
        keys = keys[:1]
    slots: list[Item | None] = list(base)
    places = _Places(base, keys)
    touched: dict[int, None] = {}
    for number, item in enumerate(patch):
        name = name_of(item, keys[0], f"{path}[{number}]")
        place = places.find(item)
        target = None if place is None else slots[place]
        merged = merge_item(target, item, f"{path}[{keys[0]}={name}]")
        if place is None:
            if merged is None:
                continue
            place = len(slots)
            slots.append(merged)
            places.add(place, merged)
        slots[place] = merged
        touched.pop(place, None)
        if merged is not None:
            touched[place] = None
        else:
            places.remove(place, item)
    live = [
        item if place in touched else copied(item) for place, item in enumerate(slots)
    ]
    return _ordered(live, list(touched), len(base), mode)


class _Places:
    """Where the items of a list are, by their keys."""

    def __init__(self, items: Items, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._places: dict[Hashable, list[tuple[int, Item]]] = {}
        for place, item in enumerate(items):
            self.add(place, item)

    def add(self, place: int, item: Item) -> None:
        self._at(item).append((place, item))

    def remove(self, place: int, item: Item) -> None:
        entries = self._at(item)
        entries[:] = [entry for entry in entries if entry[0] != place]

    def find(self, item: Item) -> int | None:
        return next(
            (
                place
                for place, other in self._at(item)
                if _is_same(item, other, self._keys[1:])
            ),
            None,
        )

    def _at(self, item: Item) -> list[tuple[int, Item]]:
        return self._places.setdefault(hashable(item.get(self._keys[0])), [])


def _is_same(a: Item, b: Item, keys: Iterable[str]) -> bool:
    """Compare further keys of two items: they match if one side has none."""
    return all(not a.get(key) or not b.get(key) or a[key] == b[key] for key in keys)


def _ordered(
    slots: list[Item | None], touched: list[int], base: int, mode: ListMode
) -> Items:
    """Return the items that are left, in the order of the mode.

    Args:
        slots: The items of the base, then those added; None was deleted.
        touched: Places of those that the patch names, in its order.
        base: How many of the slots are of the base.
        mode: Decides the order.
    """
    places = [place for place, item in enumerate(slots) if item is not None]
    if mode is not ListMode.APPEND:
        named = set(touched)
        others = [place for place in places if place not in named]
        if mode is ListMode.PREPEND:
            places = touched + others
        else:
            known: dict[Hashable, int] = {place: place for place in range(base)}
            places = interleave(others, touched, known, lambda place: place)
    return [item for place in places if (item := slots[place]) is not None]


def interleave(
    others: list[Any],
    listed: list[Any],
    places: Mapping[Hashable, int],
    name: Callable[[Any], Hashable],
) -> list[Any]:
    """Slot the others in before the first listed item that stood after them."""
    result = []
    waiting = iter(others)
    other = next(waiting, None)
    for item in listed:
        here = places.get(name(item))
        while other is not None and here is not None and places[name(other)] < here:
            result.append(other)
            other = next(waiting, None)
        result.append(item)
    if other is not None:
        result += [other, *waiting]
    return result


def in_order(  # noqa: PLR0917 - one call
    items: list[Any],
    base: list[Any],
    patch: list[Any],
    order: list[Any],
    field: str,
    path: str,
) -> list[Any]:
    """Return a merged list in the order that ``$setElementOrder`` asks for.

    Raises:
        errors.PatchError: the order leaves out an item of the patch.
    """
    keys = keys_of(field, order)
    key = keys[0] if keys else None

    def name(item: Any) -> Hashable:
        return hashable(item.get(key) if key and isinstance(item, dict) else item)

    wanted = {name(item): number for number, item in enumerate(order)}
    for item in patch:
        if is_kept(item) and name(item) not in wanted:
            shown = item.get(key) if key and isinstance(item, dict) else item
            raise errors.PatchError(path, f"does not list {shown}; add it")
    places = {name(item): number for number, item in enumerate(base)}
    listed = [item for item in items if name(item) in wanted]
    listed.sort(key=lambda item: wanted[name(item)])
    others = [item for item in items if name(item) not in wanted]
    return interleave(others, listed, places, name)


def without(items: list[Any], removed: list[Any]) -> list[Any]:
    """Return the items of a list of single values that are not to be removed."""
    gone = {hashable(item) for item in removed}
    return [item for item in items if hashable(item) not in gone]


def is_kept(item: Any) -> bool:
    """Tell whether an item of a patch is anything but a deletion."""
    return not (isinstance(item, dict) and item.get("$patch") == "delete")


def name_of(item: Item, key: str, path: str) -> str | int:
    """Return the key of an item of a patch.

    Raises:
        errors.PatchError: it has none, or one that is not a single value.
    """
    name = item.get(key)
    if name is None:
        raise errors.PatchError(path, f'the key "{key}" is missing; add it')
    if not isinstance(name, str | int):
        raise errors.PatchError(
            f"{path}.{key}",
            f"expected a text or a number, found {words.found(name)}; correct it",
        )
    return name


def hashable(value: Any) -> Hashable:
    """Return what stands for a value in an index; true is not 1."""
    if isinstance(value, dict | list):
        return repr(value)
    return (type(value), value)
