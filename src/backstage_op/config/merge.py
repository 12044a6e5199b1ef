"""Strategic merge: a patch over an object, lists merged by their keys.

Two dialects exist. ``kubectl patch --type=strategic`` (the API server's own)
matches by one key and knows all directives. The Go operator and kustomize
merge by all map keys of a list and put new items last or first. Both are here,
told apart by :class:`ListMode`. Neither base nor patch is changed.
"""

from __future__ import annotations

from typing import Any, Final

from backstage_op import errors
from backstage_op.document import MAX_DEPTH, Document, copied, deep_field

from . import merge_lists, unions, words
from .merge_lists import Item, ListMode

__all__ = ["ListMode", "merge"]

_SETS: Final = frozenset({"finalizers"})
_PATCH: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_ORDER: Final = "$setElementOrder/"
_REMOVE: Final = "$deleteFromPrimitiveList/"


def merge(
    base: Document,
    patch: Document,
    *,
    mode: ListMode = ListMode.APPEND,
    settle_unions: bool = False,
) -> Document:
    """Return the base with the patch applied; null in a patch removes a field.

    Directives: ``$patch`` (merge, replace, delete), ``$retainKeys``,
    ``$setElementOrder/<list>`` and ``$deleteFromPrimitiveList/<list>``.

    Args:
        base: The object.
        patch: What changes it.
        mode: The order of lists that are merged by key.
        settle_unions: Where an object may have one of several fields, the one
            that the patch sets removes the others; see :mod:`.unions`.

    Raises:
        errors.PatchError: the patch has another shape than the base, lacks the
            merge key of an item, has a directive that does not exist or is no
            list, or is nested too deeply; or a list of the base cannot be merged.
    """
    for tree in (base, patch):
        _check_depth(tree)
    merged = _Merger(mode, settle_unions=settle_unions).mapping(base, patch, "", "")
    return {} if merged is None else merged


class _Merger:
    """One merge; ``field`` is what a value is at, ``path`` where that is."""

    def __init__(self, mode: ListMode, *, settle_unions: bool) -> None:
        self._mode = mode
        self._settle_unions = settle_unions

    def mapping(
        self, base: Document | None, patch: Document, field: str, path: str
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
        self._fields(result, fields, path)
        _set_order(result, base or {}, patch, path)
        if self._settle_unions:
            unions.settle(field, result, fields)
        return result

    def _fields(self, result: Document, fields: Document, path: str) -> None:
        for key, value in result.items():
            if key not in fields:
                result[key] = copied(value)
        for key, value in fields.items():
            merged = self._value(result.get(key), value, key, _join(path, key))
            if merged is None:
                result.pop(key, None)
            else:
                result[key] = merged

    def _value(self, base: Any, patch: Any, field: str, path: str) -> Any:
        if isinstance(patch, dict):
            return self.mapping(_expect(base, dict, path), patch, field, path)
        if isinstance(patch, list):
            return self._sequence(_expect(base, list, path), patch, field, path)
        return patch

    def _sequence(
        self, base: list[Any] | None, patch: list[Any], field: str, path: str
    ) -> list[Any]:
        base = base or []
        if field in _SETS:
            values = {merge_lists.hashable(item): item for item in [*base, *patch]}
            return [copied(value) for value in values.values()]
        keys = merge_lists.keys_of(field, patch)
        if keys is None:
            return _clean_sequence(patch)
        replacement = {_PATCH: "replace"}
        if any(item == replacement for item in patch):
            return _clean_sequence([item for item in patch if item != replacement])
        _check_items(base, path)

        def merge_item(found: Item | None, item: Item, where: str) -> Item | None:
            return self.mapping(found, item, field, where)

        return merge_lists.merge_items(base, patch, keys, self._mode, path, merge_item)


def _check_items(base: list[Any], path: str) -> None:
    """Check that a list can be merged by the keys of its items."""
    for number, item in enumerate(base):
        if not isinstance(item, dict):
            raise errors.PatchError(
                f"{path}[{number}]",
                f"the object that is patched has {words.found(item)} here, not an "
                "object; correct it, or replace the list with $patch: replace",
            )


def _expect(base: Any, wanted: type, path: str) -> Any:
    if base is None or isinstance(base, wanted):
        return base
    there, given = words.found(base), words.found(wanted())
    raise errors.PatchError(
        path, f"expected {there}, found {given}; match the object's field"
    )


def _retained(base: Document, patch: Document, path: str) -> Document:
    if _RETAIN not in patch:
        return dict(base)
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
    return {key: value for key, value in base.items() if key in keep}


def _remove_primitives(result: Document, patch: Document, path: str) -> None:
    for directive in (key for key in patch if key.startswith(_REMOVE)):
        field = directive.removeprefix(_REMOVE)
        remove = _directive_list(patch, directive, path)
        if isinstance(result.get(field), list):
            result[field] = merge_lists.without(result[field], remove)


def _set_order(result: Document, base: Document, patch: Document, path: str) -> None:
    """Bring lists in the order that ``$setElementOrder`` directives ask for."""
    for directive in (key for key in patch if key.startswith(_ORDER)):
        field = directive.removeprefix(_ORDER)
        order = _directive_list(patch, directive, path)
        if isinstance(result.get(field), list):
            result[field] = merge_lists.in_order(
                result[field],
                base.get(field) or [],
                patch.get(field) or [],
                order,
                field,
                _join(path, directive),
            )


def _directive_list(patch: Document, directive: str, path: str) -> list[Any]:
    value = patch[directive]
    if not isinstance(value, list):
        raise errors.PatchError(
            _join(path, directive),
            f"expected a list, found {words.found(value)}; "
            "put a dash before each entry",
        )
    return value


def _clean_mapping(value: Document) -> Document:
    return {
        key: _clean(item)
        for key, item in value.items()
        if item is not None and not key.startswith("$")
    }


def _clean_sequence(value: list[Any]) -> list[Any]:
    return [_clean(item) for item in value if merge_lists.is_kept(item)]


def _clean(value: Any) -> Any:
    """Return added content without nulls and directives."""
    if isinstance(value, dict):
        return _clean_mapping(value)
    if isinstance(value, list):
        return _clean_sequence(value)
    return value


def _check_depth(tree: Document) -> None:
    """Check that recursion has an end."""
    field = deep_field(tree)
    if field is not None:
        raise errors.PatchError(
            field, f"nested deeper than {MAX_DEPTH} levels; flatten it"
        )


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field
