"""What is put right about an object that is created once and never applied again.

Its values stay as they are. What the operator needs to find it again comes
back: labels, the owner reference, and entries that are missing or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backstage_op import resources
from backstage_op.document import Document


def mended(desired: Document, live: Document, uid: str) -> Document:
    """Return the changes, as a merge patch, that a live object needs; often none.

    ``uid`` is that of the instance: other owners stay.
    """
    changes: Document = {}
    metadata: Document = {}
    if labels := _differing(desired["metadata"]["labels"], live["metadata"], "labels"):
        metadata["labels"] = labels
    has = live["metadata"].get("ownerReferences") or []
    wants = [owner for owner in has if owner["uid"] != uid]
    wants += desired["metadata"].get("ownerReferences") or []
    if has != wants:
        metadata["ownerReferences"] = wants or None
    if metadata:
        changes["metadata"] = metadata
    data = live.get("data") or {}
    missing = {
        key: value
        for key, value in (desired.get("data") or {}).items()
        if not data.get(key)
    }
    if missing:
        changes["data"] = missing
    return changes


def _differing(wanted: Mapping[str, str], live: Document, field: str) -> dict[str, Any]:
    has = live.get(field) or {}
    return {
        key: value
        for key, value in wanted.items()
        # Of which version the data are is not for a manifest to say.
        if has.get(key) != value and key != resources.POSTGRESQL_MAJOR
    }
