"""What the API server has: objects, lists page by page, watches, its API groups."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import msgspec

from backstage_op.document import Document

from .call import Call
from .kinds import ResourceKind
from .observed import Observed
from .sending import Sender, decoded

_PAGE: Final = 500

_JSON: Final = "application/json"
_METADATA_LIST: Final = (
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
)
_METADATA: Final = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


class _ListMetadata(msgspec.Struct):
    version: str = msgspec.field(name="resourceVersion", default="")
    continue_token: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    """One page of a list: the items as JSON, and where the list stands."""

    items: list[msgspec.Raw] | None
    metadata: _ListMetadata


class _Named(msgspec.Struct):
    name: str


class _GroupList(msgspec.Struct):
    groups: list[_Named]


class Reader:
    """One API server, as one user sees it. Nothing here writes.

    All methods raise :class:`errors.KubeError`, by who can act: see
    :mod:`backstage_op.errors`. Transient failures are tried again as the
    policy of the sender says.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def get(self, kind: ResourceKind, namespace: str, name: str) -> Document:
        """Return an object."""
        call = Call.of("get", kind, namespace, name)
        return await self._document(call, "GET", kind.path(namespace, name))

    async def list_all(
        self,
        kind: ResourceKind,
        namespace: str = "",
        label_selector: str = "",
    ) -> list[Document]:
        """Return all objects of a kind, read page by page.

        Raises:
            errors.ExpiredError: the list changed too much while it was read.
        """
        pages = self.pages(kind, namespace, label_selector)
        found = await _collected(pages, kind, metadata_only=False)
        return [observed.document() for observed in found]

    async def list_metadata(
        self,
        kind: ResourceKind,
        namespace: str = "",
        label_selector: str = "",
    ) -> list[Observed]:
        """Return the metadata of all objects of a kind, without their bodies.

        Raises:
            errors.ExpiredError: the list changed too much while it was read.
        """
        pages = self.pages(kind, namespace, label_selector, metadata_only=True)
        return await _collected(pages, kind, metadata_only=True)

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
        call = Call.of("list", kind, namespace)
        query = {"limit": _PAGE} | _selected(label_selector)
        accept = f"{_METADATA_LIST},{_JSON}" if metadata_only else _JSON
        while True:
            response = await self._sender.request(
                call,
                "GET",
                kind.path(namespace),
                params=query,
                headers={"Accept": accept},
            )
            page = decoded(call, response.content, _Page)
            # Raw is a view that would keep the whole page alive.
            yield [bytes(item) for item in page.items or ()], page.metadata.version
            if not page.metadata.continue_token:
                return
            query["continue"] = page.metadata.continue_token

    async def api_groups(self) -> frozenset[str]:
        """Return the names of the API groups that are served."""
        call = Call(verb="get", target="/apis")
        response = await self._sender.request(call, "GET", "/apis")
        groups = decoded(call, response.content, _GroupList).groups
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
        query: dict[str, str | int] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": seconds,
        }
        async with self._sender.stream(
            Call.of("watch", kind, namespace),
            kind.path(namespace),
            params=query | _selected(label_selector),
            accept=f"{_METADATA},{_JSON}" if metadata_only else _JSON,
            silence_seconds=silence_seconds,
        ) as lines:
            yield lines

    async def _document(
        self, call: Call, method: str, path: str, **request: Any
    ) -> Document:
        """Send a request whose answer is one object, and return it."""
        response = await self._sender.request(call, method, path, **request)
        document: Document = decoded(call, response.content, dict[str, Any])
        return document


async def _collected(
    pages: AsyncGenerator[tuple[list[bytes], str], None],
    kind: ResourceKind,
    *,
    metadata_only: bool,
) -> list[Observed]:
    found: list[Observed] = []
    async with aclosing(pages):
        async for items, _ in pages:
            found += [
                Observed.decode(
                    item, kind.api_version, kind.kind, metadata_only=metadata_only
                )
                for item in items
            ]
    return found


def _selected(label_selector: str) -> dict[str, str | int]:
    return {"labelSelector": label_selector} if label_selector else {}
