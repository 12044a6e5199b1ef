from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import msgspec
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import (
    Key,
    event,
    failure,
    status,
    status_object,
    stream,
)

from backstage_op import kube
from backstage_op.document import Document

pytestmark = pytest.mark.virtual_clock

NAMESPACE = "team"


class Mirror:
    """A cache that writes down what it was told."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.cache = kube.Cache(on_change=self._note)

    def names(self) -> list[str]:
        return sorted(observed.ref.name for observed in self.cache)

    def _note(self, old: kube.Observed | None, new: kube.Observed | None) -> None:
        word = "added" if old is None else "deleted" if new is None else "changed"
        item = new or old
        assert item is not None
        self.changes.append((word, item.ref.name))


def _key(name: str) -> Key:
    return Key("v1", "configmaps", NAMESPACE, name)


def _config_map(value: str = "1", **metadata: Any) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"key": value},
    }


def _stored(name: str, version: int, value: str = "1") -> Document:
    return _config_map(
        value, name=name, namespace=NAMESPACE, resourceVersion=str(version)
    )


@asynccontextmanager
async def _running(
    client: kube.Client, mirror: Mirror, **options: Any
) -> AsyncIterator[None]:
    """Let a reflector run, from when its sink is filled to the end of the block."""
    kind = msgspec.structs.replace(
        kube.CONFIG_MAP, optional=options.pop("optional", False)
    )
    reflector = kube.Reflector(
        client, kind, mirror.cache, namespace=NAMESPACE, **options
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(reflector.run)
        yield
        tasks.cancel_scope.cancel()


async def test_it_is_started_when_the_sink_is_filled(
    client: kube.Client, server: ApiServer
) -> None:
    for name in ("b", "a"):
        server.put(_key(name), _config_map())
    server.put(_key("elsewhere")._replace(namespace="other"), _config_map())
    mirror = Mirror()

    async with _running(client, mirror):
        assert mirror.changes == [("added", "a"), ("added", "b")]


async def test_what_happens_is_shown_as_it_happens(
    client: kube.Client, server: ApiServer
) -> None:
    mirror = Mirror()

    async with _running(client, mirror):
        server.put(_key("a"), _config_map("1"))
        await anyio.sleep(1)
        server.put(_key("a"), _config_map("2"))
        await anyio.sleep(1)
        [shown] = mirror.cache
        server.drop(_key("a"))
        await anyio.sleep(1)

    assert mirror.changes == [("added", "a"), ("changed", "a"), ("deleted", "a")]
    assert shown.document() == _config_map("2") | {"metadata": _metadata(shown)}
    assert mirror.names() == []


def _metadata(observed: kube.Observed) -> dict[str, Any]:
    return {
        "name": "a",
        "namespace": NAMESPACE,
        "uid": observed.uid,
        "generation": observed.generation,
        "resourceVersion": str(observed.resource_version),
    }


async def test_a_list_is_read_in_pages(client: kube.Client, server: ApiServer) -> None:
    for n in range(1201):
        server.put(_key(f"n{n:04}"), _config_map())
    mirror = Mirror()

    async with _running(client, mirror):
        pass

    assert len(mirror.names()) == 1201
    assert [request.query["limit"] for request in server.seen("list")] == ["500"] * 3


async def test_only_what_the_sink_keeps_is_handed_to_it(
    client: kube.Client, server: ApiServer
) -> None:
    for name in ("wanted", "unwanted"):
        server.put(_key(name), _config_map())
    cache = kube.Cache(keep=lambda observed: observed.ref.name == "wanted")
    reflector = kube.Reflector(client, kube.CONFIG_MAP, cache, namespace=NAMESPACE)

    async with anyio.create_task_group() as tasks:
        await tasks.start(reflector.run)
        server.put(_key("unwanted too"), _config_map())
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()

    assert [observed.ref.name for observed in cache] == ["wanted"]


async def test_with_metadata_only_no_bodies_are_held(
    client: kube.Client, server: ApiServer
) -> None:
    server.put(_key("a"), _config_map(labels={"team": "x"}))
    mirror = Mirror()

    async with _running(client, mirror, metadata_only=True):
        server.put(_key("b"), _config_map())
        await anyio.sleep(1)

    assert [o.body for o in mirror.cache] == [b"", b""]
    assert [dict(o.labels) for o in mirror.cache] == [{"team": "x"}, {}]
    with pytest.raises(ValueError, match="ConfigMap team/a was watched by its"):
        next(iter(mirror.cache)).document()


async def test_a_selector_is_sent_with_every_list_and_watch(
    client: kube.Client, server: ApiServer
) -> None:
    server.put(_key("mine"), _config_map(labels={"app": "x"}))
    server.put(_key("other"), _config_map())
    mirror = Mirror()

    async with _running(client, mirror, label_selector="app=x"):
        server.put(_key("other"), _config_map(labels={"app": "x"}))
        await anyio.sleep(1)
        server.put(_key("mine"), _config_map())
        await anyio.sleep(1)

    assert mirror.changes == [
        ("added", "mine"),
        ("added", "other"),
        ("deleted", "mine"),
    ]
    assert {r.query["labelSelector"] for r in server.requests} == {"app=x"}


@pytest.mark.parametrize(
    "expiry",
    [
        pytest.param(status(410, "Expired"), id="as the answer to the watch"),
        pytest.param(
            stream(event("ERROR", status_object(410, "Expired", "too old"))),
            id="as an event",
        ),
        pytest.param(
            status(
                504,
                "Timeout",
                "Too large resource version",
                details={"causes": [{"reason": "ResourceVersionTooLarge"}]},
            ),
            id="as a version the server has not reached",
        ),
    ],
)
async def test_an_expired_watch_lists_again_and_tells_what_is_gone(
    client: kube.Client, server: ApiServer, expiry: Any
) -> None:
    for name in ("gone", "stays", "altered"):
        server.put(_key(name), _config_map())
    server.answer("watch", expiry)
    mirror = Mirror()

    async with _running(client, mirror):
        mirror.changes.clear()
        server.drop(_key("gone"))
        server.put(_key("altered"), _config_map("2"))
        server.put(_key("new"), _config_map())
        server.compact()
        await anyio.sleep(5)

    assert sorted(mirror.changes) == [
        ("added", "new"),
        ("changed", "altered"),
        ("deleted", "gone"),
    ]
    assert len(server.seen("list")) == 2


async def test_a_list_that_expires_between_pages_starts_over(
    client: kube.Client, server: ApiServer
) -> None:
    for n in range(501):
        server.put(_key(f"n{n}"), _config_map())
    mirror = Mirror()

    async def page_and_compact(request: Any) -> httpx2.Response:
        answer = server._list(request)
        server.put(_key("late"), _config_map())
        server.compact()
        return answer

    server.answer("list", page_and_compact)
    async with _running(client, mirror):
        pass

    assert len(mirror.names()) == 502
    continued = ["continue" in request.query for request in server.seen("list")]
    assert continued == [False, True, False, True]


async def test_a_silent_watch_is_given_up_and_opened_again(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("watch", *[stream(3600.0)] * 3)
    mirror = Mirror()

    async with _running(client, mirror):
        server.put(_key("a"), _config_map())
        await anyio.sleep(240)

    assert mirror.names() == ["a"]
    times = server.seen_at("watch")
    assert len(times) == 4
    assert all(73 < after - before <= 75 for before, after in itertools.pairwise(times))
    assert len(server.seen("list")) == 1


async def test_a_watch_that_does_not_open_is_given_up(
    client: kube.Client, server: ApiServer
) -> None:
    async def hang(_: Any) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    server.answer("watch", hang)
    mirror = Mirror()

    async with _running(client, mirror):
        server.put(_key("a"), _config_map())
        await anyio.sleep(80)

    assert mirror.names() == ["a"]


async def test_bookmarks_keep_a_quiet_watch_open_and_move_its_place(
    client: kube.Client, server: ApiServer
) -> None:
    mirror = Mirror()

    async with _running(client, mirror):
        server.put(_key("elsewhere")._replace(namespace="other"), _config_map())
        await anyio.sleep(600)

    lengths = [float(r.query["timeoutSeconds"]) for r in server.seen("watch")]
    assert all(290 <= length < 310 for length in lengths)
    assert [r.query["resourceVersion"] for r in server.seen("watch")] == [
        "100",
        *["101"] * (len(lengths) - 1),
    ]
    assert len(lengths) in (2, 3)
    assert len(server.seen("list")) == 1


async def test_half_a_line_at_the_end_is_no_event(
    client: kube.Client, server: ApiServer
) -> None:
    whole = event("ADDED", _stored("a", 101))
    half = event("ADDED", _stored("b", 102))
    server.answer("watch", stream(whole[:30], whole[30:] + half[:40]))
    mirror = Mirror()

    async with _running(client, mirror):
        await anyio.sleep(2)

    assert mirror.changes == [("added", "a")]
    assert [r.query["resourceVersion"] for r in server.seen("watch")] == ["100", "101"]


async def test_only_a_line_feed_ends_a_line(
    client: kube.Client, server: ApiServer
) -> None:
    odd = _config_map(
        "\u2028\u0085\r", name="a", namespace=NAMESPACE, resourceVersion="101"
    )
    server.answer("watch", stream(event("ADDED", odd), b"\n"))
    mirror = Mirror()

    async with _running(client, mirror):
        await anyio.sleep(2)

    [observed] = mirror.cache
    assert observed.document()["data"] == odd["data"]


@pytest.mark.parametrize(
    "line",
    [b"<html>\n", b'{"type":"ADDED"}\n', b'{"type":"ADDED","object":{}}\n'],
)
async def test_a_line_that_is_no_event_ends_the_watch_only(
    client: kube.Client, server: ApiServer, line: bytes
) -> None:
    server.answer("watch", stream(line, 3600.0))
    mirror = Mirror()

    async with _running(client, mirror):
        server.put(_key("a"), _config_map())
        await anyio.sleep(5)

    assert mirror.names() == ["a"]


async def test_a_server_that_hangs_up_at_once_is_asked_twice_a_second_at_most(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("watch", *[stream()] * 1000)
    mirror = Mirror()

    async with _running(client, mirror):
        await anyio.sleep(60)

    assert 100 <= len(server.seen("watch")) <= 121
    assert len(server.seen("list")) == 1


async def test_a_server_that_is_away_is_asked_less_and_less(
    client: kube.Client, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer("watch", *[failure(httpx2.ConnectError("refused"))] * 100)
    mirror = Mirror()

    with caplog.at_level(logging.WARNING):
        async with _running(client, mirror):
            await anyio.sleep(600)

    times = server.seen_at("watch")
    waits = [b - a for a, b in itertools.pairwise(times)]
    assert 0.4 <= waits[0] <= 0.8
    assert all(15 <= wait <= 30 for wait in waits[6:])
    assert [record.getMessage() for record in caplog.records] == [
        "configmaps: watch ConfigMap team: no answer refused"
    ]


async def test_after_a_success_the_same_error_is_logged_again(
    client: kube.Client, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    away = failure(httpx2.ConnectError("refused"))
    server.answer("watch", away, away, stream(), away, away)
    mirror = Mirror()

    async with _running(client, mirror):
        await anyio.sleep(60)

    assert [record.getMessage() for record in caplog.records] == [
        "configmaps: watch ConfigMap team: no answer refused"
    ] * 2


async def test_a_429_is_asked_again_when_the_server_says(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer(
        "watch", status(429, "TooManyRequests", headers={"Retry-After": "17"})
    )
    mirror = Mirror()

    async with _running(client, mirror):
        await anyio.sleep(20)

    first, second = server.seen_at("watch")
    assert second - first == pytest.approx(17.0)


async def test_an_api_that_vanishes_keeps_what_was_shown(
    client: kube.Client, server: ApiServer
) -> None:
    server.put(_key("a"), _config_map())
    server.answer("watch", stream())
    mirror = Mirror()

    async with _running(client, mirror):
        server.absent.add("configmaps")
        await anyio.sleep(60)
        during = mirror.names()
        server.absent.clear()
        server.put(_key("b"), _config_map())
        await anyio.sleep(31)

    assert (during, mirror.names()) == (["a"], ["a", "b"])
    assert mirror.changes == [("added", "a"), ("added", "b")]


async def test_an_optional_api_may_be_absent_and_appear_later(
    client: kube.Client, server: ApiServer
) -> None:
    server.absent.add("configmaps")
    mirror = Mirror()

    async with _running(client, mirror, optional=True):
        empty = mirror.names()
        server.absent.clear()
        server.put(_key("a"), _config_map())
        await anyio.sleep(31)

    assert (empty, mirror.names()) == ([], ["a"])


async def test_a_missing_right_delays_the_start_until_it_is_granted(
    client: kube.Client, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.put(_key("a"), _config_map())
    server.answer("list", *[status(403, "Forbidden", "no list of configmaps")] * 3)
    mirror = Mirror()

    with caplog.at_level(logging.WARNING):
        async with _running(client, mirror):
            pass

    assert mirror.names() == ["a"]
    assert [record.getMessage() for record in caplog.records] == [
        "configmaps: list ConfigMap team: 403 no list of configmaps"
    ]


async def test_a_list_without_a_version_is_not_believed(
    client: kube.Client, server: ApiServer
) -> None:
    async def empty(_: Any) -> httpx2.Response:
        return httpx2.Response(200, json={"items": [], "metadata": {}})

    server.put(_key("a"), _config_map())
    server.answer("list", empty)
    mirror = Mirror()

    async with _running(client, mirror):
        pass

    assert mirror.names() == ["a"]


@pytest.mark.parametrize(
    "item", [{}, {"metadata": {"name": "a", "resourceVersion": "many"}}]
)
async def test_a_list_with_an_item_that_is_no_object_is_not_believed(
    client: kube.Client, server: ApiServer, item: Document
) -> None:
    async def odd(_: Any) -> httpx2.Response:
        metadata = {"resourceVersion": "7"}
        return httpx2.Response(200, json={"items": [item], "metadata": metadata})

    server.put(_key("b"), _config_map())
    server.answer("list", odd)
    mirror = Mirror()

    async with _running(client, mirror):
        pass

    assert mirror.names() == ["b"]


async def test_cancelling_it_closes_the_watch(
    client: kube.Client, server: ApiServer
) -> None:
    mirror = Mirror()

    async with _running(client, mirror):
        await anyio.sleep(1)
        assert server.open_watches == 1

    assert server.open_watches == 0


async def test_a_right_that_is_taken_away_and_given_back_is_told(
    client: kube.Client, server: ApiServer
) -> None:
    refused = status(403, "Forbidden", "no watch of configmaps")
    server.answer("watch", stream(), refused, refused)
    mirror = Mirror()
    told: list[bool] = []

    async with _running(client, mirror, on_sight=told.append):
        await anyio.sleep(60)
        server.put(_key("a"), _config_map())
        await anyio.sleep(1)

    assert told == [True, False, True]
    assert mirror.names() == ["a"]


async def test_what_passes_is_no_loss_of_sight(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("watch", status(500, "InternalError", "etcd is away"), stream())
    told: list[bool] = []

    async with _running(client, Mirror(), on_sight=told.append):
        await anyio.sleep(60)

    assert told == [True]
