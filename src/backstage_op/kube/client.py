"""Requests to the API server: typed errors, bounded retries, one field manager.

Every write names the field manager ``backstage-controller``, that of the Go
operator, so that objects it applied pass into our hands without a conflict.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, final

import anyio
import httpx2
import msgspec

from backstage_op import errors
from backstage_op.document import Document, ObjectRef, ref_of
from backstage_op.retry import RetryPolicy

from . import failures
from .call import EXTENSION, Call
from .connection import Connection
from .kinds import ResourceKind, kind_of
from .observed import Observed
from .transport import OnRequest, Transport, pool

FIELD_MANAGER: Final = "backstage-controller"

_MOST_CONNECTIONS: Final = 64
_PAGE: Final = 500
_REQUEST_SECONDS: Final = 10.0
_SUCCESS: Final = range(200, 300)

_JSON: Final = "application/json"
_APPLY: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_METADATA_LIST: Final = (
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
)
_METADATA: Final = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


class _ListMetadata(msgspec.Struct):
    version: str = msgspec.field(name="resourceVersion", default="")
    continue_token: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct):
    """One page of a list: the items as JSON, and where the list stands."""

    items: list[msgspec.Raw] | None
    metadata: _ListMetadata


class _Named(msgspec.Struct):
    name: str


class _GroupList(msgspec.Struct):
    groups: list[_Named]


@final
class Client:
    """One API server, as one user.

    All methods raise :class:`errors.KubeError`, by who can act: see
    :mod:`backstage_op.errors`. Transient failures are tried again as the
    policy says, if a repetition cannot do harm.

    Resource handling: made by :meth:`connect`, which closes its connections.
    """

    def __init__(
        self, http: httpx2.AsyncClient, policy: RetryPolicy | None = None
    ) -> None:
        self._http = http
        self._policy = policy or RetryPolicy()

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        connection: Connection,
        *,
        on_request: OnRequest | None = None,
        policy: RetryPolicy | None = None,
        inner: httpx2.AsyncBaseTransport | None = None,
    ) -> AsyncIterator[Client]:
        """Open a client for the time of an ``async with``.

        ``inner`` takes the place of the transport that really sends.

        Raises:
            errors.SettingsError: a certificate cannot be read.
        """
        trust = connection.trust()
        transport = Transport(
            inner or pool(trust, most_connections=_MOST_CONNECTIONS),
            user_agent=f"backstage-op/{_version()}",
            on_request=on_request,
            trust=trust,
        )
        async with httpx2.AsyncClient(
            transport=transport,
            base_url=connection.server,
            auth=connection.auth(),
            timeout=_REQUEST_SECONDS,
            trust_env=False,
        ) as http:
            yield cls(http, policy)

    async def get(self, kind: ResourceKind, namespace: str, name: str) -> Document:
        """Return an object."""
        call = _call("get", kind, namespace, name)
        return await self._document(call, "GET", kind.path(namespace, name))

    async def list_all(
        self, kind: ResourceKind, namespace: str = "", label_selector: str = ""
    ) -> list[Document]:
        """Return all objects of a kind, read page by page.

        Raises:
            errors.ExpiredError: the list changed too much while it was read.
        """
        documents: list[Document] = []
        async with aclosing(self.pages(kind, namespace, label_selector)) as pages:
            async for items, _ in pages:
                documents += [
                    Observed.decode(item, kind.api_version, kind.kind).document()
                    for item in items
                ]
        return documents

    async def pages(
        self,
        kind: ResourceKind,
        namespace: str = "",
        label_selector: str = "",
        *,
        metadata_only: bool = False,
    ) -> AsyncGenerator[tuple[list[bytes], str], None]:
        """Yield all objects as JSON, page by page, and the version of the list.

        Raises:
            errors.ExpiredError: the list changed too much while it was read.
        """
        call = _call("list", kind, namespace)
        query: dict[str, str | int] = {"limit": _PAGE}
        if label_selector:
            query["labelSelector"] = label_selector
        accept = f"{_METADATA_LIST},{_JSON}" if metadata_only else _JSON
        while True:
            response = await self._retrying(
                call,
                "GET",
                kind.path(namespace),
                params=query,
                headers={"Accept": accept},
            )
            page = _decoded(call, response.content, Page)
            # Raw is a view that would keep the whole page alive.
            yield [bytes(item) for item in page.items or ()], page.metadata.version
            if not page.metadata.continue_token:
                return
            query["continue"] = page.metadata.continue_token

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
        kind = kind_of(ref)
        if uid is not None:
            document = _with_metadata(document, uid=uid)
        elif create_only:
            # A version no object has: where there is one, the server says 409.
            document = _with_metadata(document, resourceVersion="1")
        return await self._document(
            _call("apply", kind, ref.namespace, ref.name),
            "PATCH",
            kind.path(ref.namespace, ref.name),
            params={**_write(dry_run=dry_run), "force": "true"},
            headers={"Content-Type": _APPLY},
            content=msgspec.json.encode(document),
        )

    async def create(self, document: Document) -> Document:
        """Create an object.

        Repeated only if the server cannot have seen it: a second try after a
        lost answer would report our own object as somebody else's.

        Raises:
            errors.ConflictError: there is one, with reason ``AlreadyExists``.
        """
        ref = ref_of(document)
        kind = kind_of(ref)
        return await self._document(
            _call("create", kind, ref.namespace, ref.name),
            "POST",
            kind.path(ref.namespace),
            params=_write(),
            headers={"Content-Type": _JSON},
            content=msgspec.json.encode(document),
        )

    async def apply_status(
        self,
        kind: ResourceKind,
        namespace: str,
        name: str,
        *,
        uid: str,
        status: Mapping[str, Any],
    ) -> Document:
        """Set fields of the status, and return the object.

        A merge patch: fields that are not named stay, and no resource version
        is sent, since nobody else's status is overwritten by ours. The uid
        keeps it from reaching a new object of the same name.
        """
        body = {"metadata": {"uid": uid}, "status": status}
        return await self._document(
            _call("patch", kind, namespace, name),
            "PATCH",
            kind.path(namespace, name, "status"),
            params=_write(),
            headers={"Content-Type": _MERGE},
            content=msgspec.json.encode(body),
        )

    async def delete(
        self, ref: ObjectRef, *, uid: str, propagation: str = "Background"
    ) -> None:
        """Delete exactly this object; one that is gone already is a success.

        Raises:
            errors.ConflictError: there is another object of that name.
        """
        kind = kind_of(ref)
        body = {"propagationPolicy": propagation, "preconditions": {"uid": uid}}
        try:
            await self._retrying(
                _call("delete", kind, ref.namespace, ref.name),
                "DELETE",
                kind.path(ref.namespace, ref.name),
                headers={"Content-Type": _JSON},
                content=msgspec.json.encode(body),
            )
        except errors.NotFoundError:
            return

    async def api_groups(self) -> frozenset[str]:
        """Return the names of the API groups that are served."""
        call = Call(verb="get", target="/apis")
        response = await self._retrying(call, "GET", "/apis")
        groups = _decoded(call, response.content, _GroupList).groups
        return frozenset(group.name for group in groups)

    @asynccontextmanager
    async def watch(
        self,
        kind: ResourceKind,
        namespace: str = "",
        label_selector: str = "",
        *,
        resource_version: str,
        metadata_only: bool = False,
        seconds: int,
        silence_seconds: float,
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Open a watch, as an iterator over its lines. Nothing is retried.

        The server ends it after ``seconds``; ``silence_seconds`` without a
        byte end it with a :class:`errors.TransientError`.
        """
        call = _call("watch", kind, namespace)
        query: dict[str, str | int] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": seconds,
        }
        if label_selector:
            query["labelSelector"] = label_selector
        request = self._http.build_request(
            "GET",
            kind.path(namespace),
            params=query,
            headers={"Accept": f"{_METADATA},{_JSON}" if metadata_only else _JSON},
            # Silence is measured here, for every kind of transport.
            timeout=httpx2.Timeout(_REQUEST_SECONDS, read=None),
            extensions={EXTENSION: call},
        )
        try:
            with anyio.fail_after(silence_seconds):
                response = await self._http.send(request, stream=True)
            try:
                if response.status_code not in _SUCCESS:
                    body = await response.aread()
                    raise failures.from_response(
                        call, response.status_code, response.headers, body
                    )
                async with aclosing(_lines(response, silence_seconds)) as lines:
                    yield lines
            finally:
                await response.aclose()
        except failures.TRANSLATED as error:
            raise failures.from_exception(call, error) from error

    async def _document(
        self, call: Call, method: str, path: str, **request: Any
    ) -> Document:
        response = await self._retrying(call, method, path, **request)
        document: Document = _decoded(call, response.content, dict[str, Any])
        return document

    async def _retrying(
        self, call: Call, method: str, path: str, **request: Any
    ) -> httpx2.Response:
        response: httpx2.Response | None = None
        async for attempt in self._policy.retrying(is_safe=_is_safe(call)):
            with attempt:
                response = await self._send(call, method, path, **request)
        assert response is not None  # noqa: S101 - reraise=True
        return response

    async def _send(
        self, call: Call, method: str, path: str, **request: Any
    ) -> httpx2.Response:
        try:
            response = await self._http.request(
                method, path, extensions={EXTENSION: call}, **request
            )
        except failures.TRANSLATED as error:
            raise failures.from_exception(call, error) from error
        if response.status_code not in _SUCCESS:
            raise failures.from_response(
                call, response.status_code, response.headers, response.content
            )
        return response


def _call(verb: str, kind: ResourceKind, namespace: str, name: str = "") -> Call:
    where = "/".join(part for part in (namespace, name) if part)
    return Call(
        verb=verb,
        target=f"{kind.kind} {where}".strip(),
        resource=kind.plural,
        kind=kind.kind,
    )


def _write(*, dry_run: bool = False) -> dict[str, str]:
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    return query


def _with_metadata(document: Document, **fields: str) -> Document:
    return {**document, "metadata": {**document["metadata"], **fields}}


def _is_safe(call: Call) -> Callable[[errors.TransientError], bool]:
    """Return what tells whether a failed request may be repeated.

    A second try to create, after a lost answer, would report our own object as
    somebody else's: it is repeated only if the server certainly did nothing.
    """
    if call.verb != "create":
        return lambda _: True
    return lambda error: (
        error.reason in failures.NOT_SENT or error.retry_after_seconds is not None
    )


def _decoded(call: Call, body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise failures.from_exception(call, error) from error


async def _lines(
    response: httpx2.Response, silence_seconds: float
) -> AsyncGenerator[bytes, None]:
    """Yield the complete lines of a stream; half a line at its end is dropped.

    Only a line feed ends a line: values may hold other line separators.

    Raises:
        TimeoutError: nothing came for that long.
    """
    rest = b""
    async with aclosing(response.aiter_bytes()) as chunks:
        while True:
            with anyio.fail_after(silence_seconds):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line:
                    yield line


def _version() -> str:
    try:
        return importlib.metadata.version("backstage-op")
    except importlib.metadata.PackageNotFoundError:
        # Run from a checkout that was not installed.
        return "unknown"
