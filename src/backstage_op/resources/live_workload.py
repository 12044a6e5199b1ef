"""What a workload that is there carries, and its next state is computed from."""

from __future__ import annotations

from backstage_op.document import Document

from . import naming
from .base import LiveWorkload
from .deployment import STATEFUL_SET


def read_live_workload(document: Document) -> LiveWorkload:
    """Return what matters of a Deployment or StatefulSet as the API server has it."""
    spec = document.get("spec") or {}
    is_stateful = document["kind"] == STATEFUL_SET
    return LiveWorkload(
        # The server leaves out an empty one.
        service_name=spec.get("serviceName") or "" if is_stateful else None,
        checksum=_metadata(spec.get("template"), "annotations", naming.CHECKSUM),
        noted_checksum=_metadata(document, "labels", naming.NOTED_CHECKSUM),
    )


def _metadata(document: Document | None, field: str, name: str) -> str:
    values = ((document or {}).get("metadata") or {}).get(field) or {}
    return str(values.get(name, ""))
