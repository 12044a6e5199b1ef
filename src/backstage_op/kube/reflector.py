"""Keep a sink equal to what the API server has, of one kind: list, watch, list again.

A watch that ends is opened again where it ended. If that place has expired,
in whichever of three ways the server says so, everything is listed again and
what has vanished in between is reported as deleted.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Final, Protocol, TypeAlias, final

import anyio
import msgspec
from anyio.abc import TaskStatus

from backstage_op import errors

from . import failures
from .backoff import Backoff
from .call import Call
from .kinds import ResourceKind
from .observed import Observed
from .reader import Reader

_log: Final = logging.getLogger(__name__)

_WATCH_SECONDS: Final = 290
_SILENCE_SECONDS: Final = 74.0
"""Bookmarks come about every minute: longer silence is a dead connection.

A watch that fell silent is open again after 75 seconds in all.
"""

_LEAST_WATCH_SECONDS: Final = 0.5
"""A server that ends every watch at once is asked at most this often."""

_ABSENT_SECONDS: Final = 30.0


OPENED: Final = "OPENED"
CLOSED: Final = "CLOSED"

OnWatch: TypeAlias = Callable[[str, str], None]
"""Told the plural of a kind, and ``OPENED``, ``CLOSED`` or the type of an event."""

OnSight: TypeAlias = Callable[[bool], None]
"""Told whether changes are seen, each time that this changes."""


class Sink(Protocol):
    """Who is told what the API server has."""

    def keeps(self, item: Observed) -> bool:
        """Tell whether an object is of interest; others may be left out."""

    def replace(
        self, items: Iterable[Observed], version: int, namespace: str = ""
    ) -> None:
        """Take a whole list as of a version: what is not in it is gone.

        With a namespace, the list is that of this namespace only.
        """

    def upsert(self, item: Observed) -> None:
        """Take an object that was added or changed."""

    def remove(self, item: Observed) -> None:
        """Drop an object that was deleted; ``item`` is its last state."""


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Mark(msgspec.Struct, rename="camel"):
    resource_version: str


class _Marked(msgspec.Struct):
    metadata: _Mark


_EVENT: Final = msgspec.json.Decoder(_Event)
_MARKED: Final = msgspec.json.Decoder(_Marked)
_STATUS: Final = msgspec.json.Decoder(failures.Status)


@final
class Reflector:
    """One kind of objects, of one namespace or of all.

    With ``metadata_only`` no bodies are transferred. The API of an optional kind
    may be absent: the sink is then empty, until the API appears. ``on_watch`` is
    told what happens, for metrics. ``on_sight`` is told that the sink is filled, that
    the right to list or watch is missing, so that the sink falls behind, and that it
    does so no longer.
    """

    def __init__(
        self,
        client: Reader,
        kind: ResourceKind,
        sink: Sink,
        *,
        namespace: str = "",
        label_selector: str = "",
        metadata_only: bool = False,
        on_watch: OnWatch = lambda _resource, _what: None,
        on_sight: OnSight = lambda _: None,
    ) -> None:
        self._client = client
        self._kind = kind
        self._sink = sink
        self._namespace = namespace
        self._label_selector = label_selector
        self._metadata_only = metadata_only
        self._on_watch = on_watch
        self._on_sight = on_sight
        self._has_sight = False
        self._optional = kind.optional
        self._backoff = Backoff()
        self._logged = ""

    async def run(
        self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Run until cancelled; ``started()`` says that the sink is filled.

        Error handling: no error of the API server ends it. Each is logged once
        until another one or a success comes, and tried again with a backoff.
        """
        is_started = False
        while True:
            try:
                version = await self._list()
                self._sees(is_so=True)
                if not is_started:
                    is_started = True
                    task_status.started()
                await self._watch(version)
            except errors.ExpiredError:
                _log.info("%s: the watch expired, listing again", self._kind.plural)
                await anyio.sleep(self._backoff.next())
            except errors.NotFoundError as error:
                # What is cached stays: an API that is gone for a moment is no
                # reason to believe that all its objects were deleted.
                if not self._optional:
                    self._log_once(error)
                elif not is_started:
                    self._sees(is_so=True)
                    is_started = True
                    task_status.started()
                await anyio.sleep(
                    _ABSENT_SECONDS if self._optional else self._backoff.next()
                )
            except errors.KubeError as error:
                self._fail(error)
                await anyio.sleep(self._backoff.after(error))

    async def _list(self) -> str:
        """Fill the sink, and return the version from which to watch."""
        # Complete before the sink is touched: all of it, or nothing.
        kept: list[Observed] = []
        version = ""
        pages = self._client.pages(
            self._kind,
            self._namespace,
            self._label_selector,
            metadata_only=self._metadata_only,
        )
        async with aclosing(pages):
            async for items, listed in pages:
                found = [self._decode(item) for item in items]
                kept += [item for item in found if self._sink.keeps(item)]
                version = listed
        if not version.isdecimal():
            raise failures.from_exception(self._call(), ValueError("no version"))
        self._sink.replace(kept, int(version), self._namespace)
        self._logged = ""
        return version

    async def _watch(self, version: str) -> None:
        """Watch, and again where it ended, until listing is needed.

        Raises:
            errors.ExpiredError: the version is too old to watch from.
            errors.NotFoundError: the API is gone.
        """
        while True:
            opened_at = anyio.current_time()
            try:
                async with self._client.watch(
                    self._kind,
                    self._namespace,
                    self._label_selector,
                    resource_version=version,
                    metadata_only=self._metadata_only,
                    seconds=_WATCH_SECONDS + random.randrange(20),  # noqa: S311
                    silence_seconds=_SILENCE_SECONDS,
                ) as lines:
                    self._sees(is_so=True)
                    self._on_watch(self._kind.plural, OPENED)
                    try:
                        async for line in lines:
                            version = self._take(line)
                    finally:
                        self._on_watch(self._kind.plural, CLOSED)
            except (errors.ExpiredError, errors.NotFoundError):
                raise
            except errors.KubeError as error:
                self._fail(error)
                await anyio.sleep(self._backoff.after(error))
            else:
                self._logged = ""
                rest = _LEAST_WATCH_SECONDS - (anyio.current_time() - opened_at)
                await anyio.sleep(max(0.0, rest))

    def _take(self, line: bytes) -> str:
        """Hand one event to the sink, and return the version it brings."""
        try:
            event = _EVENT.decode(line)
            self._on_watch(self._kind.plural, event.type)
            if event.type == "ERROR":
                raise self._error(event.object)
            version = _MARKED.decode(event.object).metadata.resource_version
            if event.type != "BOOKMARK":
                item = self._decode(bytes(event.object))
                if event.type == "DELETED":
                    self._sink.remove(item)
                else:
                    self._sink.upsert(item)
        except (msgspec.MsgspecError, ValueError) as error:
            raise failures.from_exception(self._call(), error) from error
        return version

    def _error(self, status: msgspec.Raw) -> errors.KubeError:
        decoded = _STATUS.decode(status)
        return failures.from_status(self._call(), decoded, decoded.code or 500)

    def _decode(self, body: bytes) -> Observed:
        try:
            return Observed.decode(
                body,
                self._kind.api_version,
                self._kind.kind,
                metadata_only=self._metadata_only,
            )
        except (msgspec.MsgspecError, ValueError) as error:
            raise failures.from_exception(self._call(), error) from error

    def _call(self) -> Call:
        return Call.of("watch", self._kind, self._namespace)

    def _sees(self, *, is_so: bool) -> None:
        if is_so is not self._has_sight:
            self._has_sight = is_so
            self._on_sight(is_so)

    def _fail(self, error: errors.KubeError) -> None:
        self._log_once(error)
        # Whatever else fails passes, and the watch goes on where it ended.
        if isinstance(error, errors.ForbiddenError):
            self._sees(is_so=False)

    def _log_once(self, error: errors.KubeError) -> None:
        cause = f"{error.status} {error.reason}"
        if cause != self._logged:
            self._logged = cause
            _log.warning("%s: %s", self._kind.plural, error)
