"""One API server as one user: what is there, and writes as one field manager.

Every write names the field manager ``backstage-controller``, that of the Go
operator, so that objects it applied pass into our hands without a conflict.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, TypeAlias, final

import httpx2
import msgspec

from backstage_op import errors
from backstage_op.document import Document, ObjectRef, ref_of
from backstage_op.retry import RetryPolicy

from .call import Call
from .connection import Connection
from .kinds import ResourceKind
from .reader import Reader
from .sending import REQUEST_SECONDS, Sender
from .served import ServedKinds
from .transport import OnRequest, Transport, WriteGate, pool

FIELD_MANAGER: Final = "backstage-controller"

Propagation: TypeAlias = Literal["Background", "Foreground", "Orphan"]
"""What becomes of the dependants of a deleted object."""

_JSON: Final = "application/json"
_APPLY: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"


@final
class Client(Reader):
    """One API server, as one user: a reader that also writes.

    A write that fails for a while is tried again like a read, if a repetition
    cannot do harm.

    Resource handling: made by :meth:`connect`, which closes its connections.
    """

    def __init__(
        self, http: httpx2.AsyncClient, policy: RetryPolicy | None = None
    ) -> None:
        super().__init__(Sender(http, policy or RetryPolicy()))
        self._served = ServedKinds(self._sender)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        connection: Connection,
        *,
        on_request: OnRequest | None = None,
        gate: WriteGate | None = None,
        policy: RetryPolicy | None = None,
        inner: httpx2.AsyncBaseTransport | None = None,
    ) -> AsyncIterator[Client]:
        """Open a client for the time of an ``async with``.

        ``gate`` tells until when writes may be sent; without one, always.
        ``inner`` takes the place of the transport that really sends.

        Raises:
            errors.SettingsError: a certificate cannot be read.
        """
        trust = connection.trust()
        transport = Transport(
            inner or pool(trust),
            user_agent=f"backstage-op/{_version()}",
            on_request=on_request,
            trust=trust,
            gate=gate,
        )
        async with httpx2.AsyncClient(
            transport=transport,
            base_url=connection.server,
            auth=connection.auth(),
            timeout=REQUEST_SECONDS,
            trust_env=False,
        ) as http:
            yield cls(http, policy)

    async def kind_of(self, ref: ObjectRef) -> ResourceKind:
        """Return the kind of an object; the API server is asked for unusual ones.

        Raises:
            errors.NotFoundError: it is not served, with reason ``KindNotServed``.
        """
        return await self._served.of(ref)

    def forget_kind(self, ref: ObjectRef) -> None:
        """Ask the API server again for the kind of an object, next time."""
        self._served.forget(ref)

    async def apply(
        self,
        document: Document,
        *,
        uid: str | None = None,
        create_only: bool = False,
        dry_run: bool = False,
    ) -> Document:
        """Apply a document server-side, and return the object.

        With ``uid`` the object is only updated, with ``create_only`` it is
        only created; :class:`errors.ConflictError` tells that this was not
        possible. Fields of other managers that differ are taken over.
        """
        ref = ref_of(document)
        kind = await self._served.of(ref)
        if uid is not None:
            document = _with_metadata(document, uid=uid)
        elif create_only:
            # A version no object has: where there is one, the server says 409.
            document = _with_metadata(document, resourceVersion="1")
        return await self._document(
            Call.of("apply", kind, ref.namespace, ref.name),
            "PATCH",
            kind.path(ref.namespace, ref.name),
            params={**_write(dry_run=dry_run), "force": "true"},
            headers={"Content-Type": _APPLY},
            content=msgspec.json.encode(document),
        )

    async def create(self, document: Document) -> Document:
        """Create an object, and return it. A review has no name, and needs none.

        Repeated only if the server cannot have seen it: a second try after a
        lost answer would report our own object as somebody else's.

        Raises:
            errors.ConflictError: there is one, with reason ``AlreadyExists``.
        """
        metadata = document.get("metadata") or {}
        namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
        kind = await self._served.of(
            ObjectRef(document["apiVersion"], document["kind"], namespace, name)
        )
        return await self._document(
            Call.of("create", kind, namespace, name),
            "POST",
            kind.path(namespace),
            params=_write(),
            headers={"Content-Type": _JSON},
            content=msgspec.json.encode(document),
        )

    async def replace(self, document: Document) -> Document:
        """Replace an object as a whole, and return it.

        The document carries the ``resourceVersion`` that was read. Not
        repeated after a lost answer: the second try would conflict with the
        first one.

        Raises:
            errors.ConflictError: it has changed since it was read.
        """
        ref = ref_of(document)
        kind = await self._served.of(ref)
        return await self._document(
            Call.of("replace", kind, ref.namespace, ref.name),
            "PUT",
            kind.path(ref.namespace, ref.name),
            params=_write(),
            headers={"Content-Type": _JSON},
            content=msgspec.json.encode(document),
        )

    async def merge(
        self,
        ref: ObjectRef,
        changes: Mapping[str, Any],
        *,
        uid: str,
        subresource: str = "",
    ) -> Document:
        """Set the fields that are named, and return the object; None removes one.

        A merge patch, for what apply cannot do: to write a status, or to change
        what other managers own. The uid keeps it from a new object of that name.

        Raises:
            errors.ConflictError: there is another object of that name.
            errors.NotFoundError: there is none.
        """
        kind = await self._served.of(ref)
        metadata = {**changes.get("metadata", {}), "uid": uid}
        return await self._document(
            Call.of("patch", kind, ref.namespace, ref.name),
            "PATCH",
            kind.path(ref.namespace, ref.name, subresource),
            params=_write(),
            headers={"Content-Type": _MERGE},
            content=msgspec.json.encode({**changes, "metadata": metadata}),
        )

    async def merge_status(
        self,
        kind: ResourceKind,
        namespace: str,
        name: str,
        *,
        uid: str,
        status: Mapping[str, Any],
    ) -> Document:
        """Set fields of the status, and return the object.

        Fields that are not named stay, and no resource version is sent, since
        nobody else's status is overwritten by ours.
        """
        return await self.merge(
            kind.ref(namespace, name),
            {"status": status},
            uid=uid,
            subresource="status",
        )

    async def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str,
        propagation: Propagation = "Background",
    ) -> None:
        """Delete exactly this object; one that is gone already is a success.

        Raises:
            errors.ConflictError: there is another object of that name.
        """
        kind = await self._served.of(ref)
        body = {"propagationPolicy": propagation, "preconditions": {"uid": uid}}
        try:
            await self._sender.request(
                Call.of("delete", kind, ref.namespace, ref.name),
                "DELETE",
                kind.path(ref.namespace, ref.name),
                headers={"Content-Type": _JSON},
                content=msgspec.json.encode(body),
            )
        except errors.NotFoundError:
            return


def _write(*, dry_run: bool = False) -> dict[str, str]:
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    return query


def _with_metadata(document: Document, **fields: str) -> Document:
    return {**document, "metadata": {**document["metadata"], **fields}}


def _version() -> str:
    try:
        return importlib.metadata.version("backstage-op")
    except importlib.metadata.PackageNotFoundError:
        # Run from a checkout that was not installed.
        return "unknown"
