"""Server-side apply and merge patches, for the fake: every list is one field."""

from __future__ import annotations

from typing import Any

from backstage_op.document import Document


def merged(base: Any, patch: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    both = base | {key: merged(base.get(key), value) for key, value in patch.items()}
    return {key: value for key, value in both.items() if value is not None}


def fields_of(item: Any) -> dict[str, Any]:
    """Return the ``fieldsV1`` of what is applied; a list is one field."""
    top = {"apiVersion", "kind"}
    fields = {
        f"f:{key}": fields_of(value) if isinstance(value, dict) else {}
        for key, value in item.items()
        if key not in top
    }
    for key in ("f:name", "f:namespace"):
        if "metadata" in item:
            fields["f:metadata"].pop(key, None)
    if fields.get("f:metadata") == {}:
        del fields["f:metadata"]
    return fields


def owned_fields(live: Document | None, manager: str) -> dict[str, Any]:
    entries = (live or {"metadata": {}})["metadata"].get("managedFields") or []
    return next((e["fieldsV1"] for e in entries if e["manager"] == manager), {})


def without(live: Any, owned: dict[str, Any], kept: dict[str, Any]) -> Any:
    """Return the object without what was applied and no longer is."""
    rest = {}
    for key, value in live.items():
        child = owned.get(f"f:{key}")
        if child is None:
            rest[key] = value
        elif f"f:{key}" in kept:
            deep = isinstance(value, dict) and child
            rest[key] = without(value, child, kept[f"f:{key}"]) if deep else value
    return rest
