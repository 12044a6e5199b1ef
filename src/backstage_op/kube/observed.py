"""An object as the API server has it: bookkeeping decoded, the rest as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from backstage_op.document import Document, ObjectRef


class OwnerReference(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Who an object belongs to."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = "0"
    generation: int = 0
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None
    deletion_timestamp: str | None = None


class _Object(msgspec.Struct, frozen=True, rename="camel"):
    metadata: _Metadata
    # Absent from the items of a list.
    api_version: str = ""
    kind: str = ""


# kubectl keeps a copy of the whole object here, the values of a Secret included.
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

_OBJECT: Final = msgspec.json.Decoder(_Object)


class Observed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One object, at one version; no part of a cycle, for there are many.

    ``body`` is the object as JSON; empty where only metadata are watched.
    ``resource_version`` is an integer, as clients may compare it since KEP-5504.
    """

    ref: ObjectRef
    uid: str
    resource_version: int
    generation: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[OwnerReference, ...]
    deleting: bool
    body: bytes = b""

    def __repr__(self) -> str:
        """Return identity and version: the body may hold a Secret's values."""
        return f"Observed({self.ref}, version {self.resource_version})"

    @classmethod
    def of(cls, document: Document) -> Observed:
        """Return a document of the API server as an observation.

        Raises:
            msgspec.ValidationError: it has no name, or metadata of a wrong type.
        """
        return _observed(
            msgspec.convert(document, _Object),
            document["apiVersion"],
            document["kind"],
            msgspec.json.encode(document),
        )

    @classmethod
    def decode(
        cls, body: bytes, api_version: str, kind: str, *, metadata_only: bool = False
    ) -> Observed:
        """Decode JSON of an object, or of its metadata, of a known kind.

        Raises:
            msgspec.MsgspecError: it is not such JSON.
        """
        decoded = _OBJECT.decode(body)
        return _observed(decoded, api_version, kind, b"" if metadata_only else body)

    def document(self) -> Document:
        """Return the object as a new tree, with ``apiVersion`` and ``kind``.

        Raises:
            ValueError: there is no body, as only metadata are watched.
        """
        if not self.body:
            raise ValueError(f"{self.ref} was watched by its metadata; get it instead")
        document: dict[str, Any] = msgspec.json.decode(self.body)
        # Items of a list come without them.
        document["apiVersion"] = self.ref.api_version
        document["kind"] = self.ref.kind
        return document

    def controller(self) -> OwnerReference | None:
        """Return the owner that manages the object, if there is one."""
        return next((owner for owner in self.owners if owner.controller), None)


def _observed(decoded: _Object, api_version: str, kind: str, body: bytes) -> Observed:
    metadata = decoded.metadata
    return Observed(
        ref=ObjectRef(api_version, kind, metadata.namespace, metadata.name),
        uid=metadata.uid,
        resource_version=int(metadata.resource_version),
        generation=metadata.generation,
        labels=metadata.labels or {},
        annotations={
            key: value
            for key, value in (metadata.annotations or {}).items()
            if key != _LAST_APPLIED
        },
        owners=tuple(metadata.owner_references or ()),
        deleting=metadata.deletion_timestamp is not None,
        body=body,
    )
