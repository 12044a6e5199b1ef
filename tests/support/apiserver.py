"""A fake API server in this process, as the transport of a client.

It stores objects, serves lists in pages and watches with bookmarks, applies
server-side with every list atomic, and answers as it is told to for a while:

    server = ApiServer()
    server.answer("list", status(410, "Expired"))
    async with kube.Client.connect(plain, inner=server) as client: ...

``page`` makes the pages of lists shorter than asked for, as the server may.

What it leaves out: validation, defaults, keyed lists, other field managers.
"""

from __future__ import annotations

import copy
import itertools
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeAlias

import anyio
import httpx2
from anyio import lowlevel
from tests.support.exchange import (
    Answer,
    Key,
    Request,
    Stream,
    event,
    received,
    status_object,
)
from tests.support.merging import fields_of, merged, owned_fields, without

from backstage_op.document import Document

Event: TypeAlias = tuple[int, Document | None, Document | None]
"""The version, and the object before and after."""

BOOKMARK_SECONDS = 60.0


class ApiServer(httpx2.AsyncBaseTransport):
    """Objects by key, and all that happened to them."""

    def __init__(self, *, page: int | None = None) -> None:
        self.page = page
        self.requests: list[Request] = []
        self.times: list[float] = []
        self.absent: set[str] = set()
        self.resources: dict[str, list[Document]] = {}
        self.version = 100
        self.open_watches = 0
        self._oldest = 0
        self._objects: dict[Key, Document] = {}
        self._history: list[tuple[Key, Event]] = []
        self.written: list[tuple[Key, Document | None, Document | None]] = []
        self._answers: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self._rests: dict[str, tuple[int, list[Document]]] = {}
        self._uids = itertools.count(1)
        self._changed = anyio.Event()

    def answer(self, verb: str, *answers: Answer) -> None:
        """Give these answers to the next requests of a verb, one each."""
        self._answers[verb] += answers

    def seen(self, verb: str) -> list[Request]:
        """Return the requests of a verb, in order."""
        return [request for request in self.requests if request.verb == verb]

    def seen_at(self, verb: str) -> list[float]:
        """Return when the requests of a verb arrived."""
        both = zip(self.requests, self.times, strict=True)
        return [moment for request, moment in both if request.verb == verb]

    def put(self, key: Key, document: Document) -> Document:
        """Store an object, as somebody else; return it as it is now."""
        old = self._objects.get(key)
        new = copy.deepcopy(document)
        if old is not None and _content(old) == _content(new):
            return old
        self.version += 1
        metadata = new.setdefault("metadata", {})
        metadata["name"] = key.name
        if key.namespace:
            metadata["namespace"] = key.namespace
        before = old["metadata"] if old else {}
        changed = old is None or old.get("spec") != new.get("spec")
        metadata["uid"] = before.get("uid") or f"uid-{next(self._uids)}"
        metadata["generation"] = before.get("generation", 0) + changed
        metadata["resourceVersion"] = str(self.version)
        self._objects[key] = new
        self._tell(key, (self.version, old, new))
        return new

    def drop(self, key: Key) -> None:
        """Delete an object, as somebody else."""
        old = self._objects.pop(key)
        self.version += 1
        self._tell(key, (self.version, old, None))

    def get(self, key: Key) -> Document | None:
        """Return an object as it is now."""
        return copy.deepcopy(self._objects.get(key))

    def items(self) -> list[tuple[Key, Document]]:
        """Return all objects as they are now, in order."""
        return sorted(copy.deepcopy(self._objects).items(), key=lambda pair: pair[0])

    @property
    def changed(self) -> anyio.Event:
        """Set at the next change."""
        return self._changed

    def compact(self) -> None:
        """Forget what happened: nothing older can be watched or continued."""
        self._oldest = self.version
        self._history.clear()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        await lowlevel.checkpoint()
        got = received(request, await request.aread())
        self.requests.append(got)
        self.times.append(anyio.current_time())
        if self._answers[got.verb]:
            return await self._answers[got.verb].popleft()(got)
        return self.serve(got)

    def serve(self, request: Request) -> httpx2.Response:
        """Return what the server answers if it is not told to do otherwise."""
        if request.key.plural in self.absent:
            return _refusal(404, "NotFound", "the server could not find the resource")
        serve: Callable[[Request], httpx2.Response] = getattr(self, f"_{request.verb}")
        return serve(request)

    def _groups(self, _: Request) -> httpx2.Response:
        names = {key.api_version.partition("/")[0] for key in self._objects}
        return httpx2.Response(200, json={"groups": [{"name": n} for n in names]})

    def _resources(self, request: Request) -> httpx2.Response:
        found = self.resources.get(request.key.api_version)
        return (
            _refusal(404, "NotFound")
            if found is None
            else _answer({"resources": found})
        )

    def _get(self, request: Request) -> httpx2.Response:
        found = self._objects.get(request.key)
        return _answer(found) if found else _refusal(404, "NotFound")

    def _list(self, request: Request) -> httpx2.Response:
        token = request.query.get("continue", "")
        if token:
            version, items = self._rests.pop(token)
            if version < self._oldest:
                return _refusal(410, "Expired", "the continue token is too old")
        else:
            version, items = self.version, self._matching(request)
        limit = self.page or int(request.query.get("limit", len(items) or 1))
        metadata = {"resourceVersion": str(version)}
        if items[limit:]:
            metadata["continue"] = f"{version}.{len(items)}"
            self._rests[metadata["continue"]] = (version, items[limit:])
        shown = [_shown(request, item, in_list=True) for item in items[:limit]]
        return _answer({"metadata": metadata, "items": shown})

    def _watch(self, request: Request) -> httpx2.Response:
        if int(request.query["resourceVersion"]) < self._oldest:
            return _refusal(410, "Expired", "too old resource version")
        return httpx2.Response(200, stream=Stream(self._events(request)))

    def _create(self, request: Request) -> httpx2.Response:
        metadata = request.body.get("metadata") or {}
        if "name" not in metadata:
            # A review is answered and not stored.
            return _answer(request.body, 201)
        key = request.key._replace(name=metadata["name"])
        if key in self._objects:
            return _refusal(409, "AlreadyExists", f"{key.plural} already exists")
        return _answer(self.put(key, request.body), 201)

    def _apply(self, request: Request) -> httpx2.Response:
        live = self._objects.get(request.key)
        body: Document = copy.deepcopy(request.body)
        uid = body["metadata"].pop("uid", None)
        version = body["metadata"].pop("resourceVersion", None)
        known = live["metadata"] if live else {}
        if (uid and uid != known.get("uid")) or (
            live and version not in (None, known["resourceVersion"])
        ):
            return _refusal(409, "Conflict", "uid or version mismatch")
        manager, fields = request.query["fieldManager"], fields_of(body)
        rest = without(live or {}, owned_fields(live, manager), fields)
        new: Document = merged(rest, body)
        new["metadata"]["managedFields"] = [
            {"manager": manager, "operation": "Apply", "fieldsV1": fields}
        ]
        if request.query.get("dryRun"):
            return _answer(new)
        return _answer(self.put(request.key, new), 200 if live else 201)

    def _patch(self, request: Request) -> httpx2.Response:
        live = self._objects.get(request.key)
        if live is None:
            return _refusal(404, "NotFound")
        uid = request.body["metadata"].pop("uid", None)
        if uid not in (None, live["metadata"]["uid"]):
            return _refusal(409, "Conflict", "uid mismatch")
        return _answer(self.put(request.key, merged(live, request.body)))

    def _replace(self, request: Request) -> httpx2.Response:
        live = self._objects.get(request.key)
        if live is None:
            return _refusal(404, "NotFound")
        wanted, known = request.body["metadata"], live["metadata"]
        for field in ("uid", "resourceVersion"):
            if wanted.get(field, known[field]) != known[field]:
                return _refusal(409, "Conflict", f"{field} mismatch")
        return _answer(self.put(request.key, request.body))

    def _delete(self, request: Request) -> httpx2.Response:
        live = self._objects.get(request.key)
        if live is None:
            return _refusal(404, "NotFound")
        for field, value in request.body["preconditions"].items():
            if live["metadata"][field] != value:
                return _refusal(409, "Conflict", f"{field} mismatch")
        self.drop(request.key)
        return _answer({"kind": "Status", "status": "Success"})

    def _tell(self, key: Key, what: Event) -> None:
        self._history.append((key, what))
        self.written.append((key, what[1], what[2]))
        self._changed.set()
        self._changed = anyio.Event()

    def _matching(self, request: Request) -> list[Document]:
        found = [(k, o) for k, o in self._objects.items() if _covers(request, k, o)]
        return [item for _, item in sorted(found, key=lambda pair: pair[0])]

    async def _events(self, request: Request) -> AsyncGenerator[bytes, None]:
        since = int(request.query["resourceVersion"])
        end = anyio.current_time() + float(request.query["timeoutSeconds"])
        self.open_watches += 1
        try:
            while (left := end - anyio.current_time()) > 0:
                # Taken before the history is read, so that no change is missed.
                changed = self._changed
                for key, (version, old, new) in list(self._history):
                    if version > since:
                        since = version
                        if line := _line(request, key, version, old, new):
                            yield line
                with anyio.move_on_after(min(left, BOOKMARK_SECONDS)):
                    await changed.wait()
                if not changed.is_set():
                    mark = {"resourceVersion": str(max(since, self.version))}
                    yield event("BOOKMARK", {"metadata": mark})
        finally:
            self.open_watches -= 1


def _covers(request: Request, key: Key, item: Document | None) -> bool:
    wanted = request.key
    if item is None or key[:2] != wanted[:2]:
        return False
    selector = request.query.get("labelSelector", "")
    terms = [term.partition("=") for term in selector.split(",") if term]
    labels = item["metadata"].get("labels") or {}
    named = request.query.get("fieldSelector", f"metadata.name={key.name}")
    return (
        wanted.namespace in ("", key.namespace)
        and all(
            labels.get(label) == value if equals else label in labels
            for label, equals, value in terms
        )
        and named == f"metadata.name={key.name}"
    )


def _line(request: Request, key: Key, version: int, old: Any, new: Any) -> bytes | None:
    was, now = _covers(request, key, old), _covers(request, key, new)
    if now:
        return event("MODIFIED" if was else "ADDED", _shown(request, new))
    if not was:
        return None
    last = copy.deepcopy(old)
    last["metadata"]["resourceVersion"] = str(version)
    return event("DELETED", _shown(request, last))


def _shown(request: Request, item: Document, *, in_list: bool = False) -> Document:
    if "PartialObjectMetadata" in request.headers["accept"]:
        return {"kind": "PartialObjectMetadata", "metadata": item["metadata"]}
    if in_list:
        return {k: v for k, v in item.items() if k not in ("apiVersion", "kind")}
    return item


def _content(item: Document) -> Document:
    metadata = dict(item["metadata"])
    for key in ("resourceVersion", "uid", "generation"):
        metadata.pop(key, None)
    return {**item, "metadata": metadata}


def _answer(body: Any, code: int = 200) -> httpx2.Response:
    return httpx2.Response(code, json=body)


def _refusal(code: int, reason: str, message: str = "") -> httpx2.Response:
    return _answer(status_object(code, reason, message), code)
