"""Events are sent beside the work, and hold nothing up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
import httpx2
import msgspec
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, Request, status
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import api, kube
from backstage_op.operator.events import Note, document_of
from backstage_op.operator.recorder import MAX_WAITING, Recorder

NOTE = Note(severity="Warning", reason="Why", text="what", occasion="1")
EVENT = Key("events.k8s.io/v1", "events", "ns", "")


def _backstage() -> api.Backstage:
    metadata = {"name": "my", "namespace": "ns", "uid": "u", "generation": 1}
    return api.decode({"metadata": metadata, "spec": {}})


def _name(note: Note) -> str:
    document = document_of(note, _backstage(), "host", datetime.now(UTC))
    name: str = document["metadata"]["name"]
    return name


@asynccontextmanager
async def _running(recorder: Recorder) -> AsyncIterator[Recorder]:
    """Let a recorder send, and give back when everything it was told is sent."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(recorder.run)
        await anyio.wait_all_tasks_blocked()
        yield recorder
        with anyio.fail_after(GIVE_UP_SECONDS):
            await recorder.drain()
        tasks.cancel_scope.cancel()


async def test_notes_are_sent_and_one_that_is_there_does_not_stop_the_next(
    server: ApiServer, client: kube.Client
) -> None:
    other = msgspec.structs.replace(NOTE, reason="Other")
    async with _running(Recorder(client, "host")) as recorder:
        recorder.tell(_backstage(), [NOTE])
        await recorder.drain()

        recorder.tell(_backstage(), [NOTE, other])

    found = [server.get(EVENT._replace(name=_name(n))) for n in (NOTE, other)]
    assert [event and event["reason"] for event in found] == ["Why", "Other"]


async def test_events_that_cannot_be_sent_stop_nothing(
    server: ApiServer, client: kube.Client
) -> None:
    other = msgspec.structs.replace(NOTE, reason="Other")
    server.answer("create", status(403, "Forbidden"))

    async with _running(Recorder(client, "host")) as recorder:
        recorder.tell(_backstage(), [NOTE, other])

    found = [server.get(EVENT._replace(name=_name(n))) for n in (NOTE, other)]
    assert [event and event["reason"] for event in found] == [None, "Other"]


async def test_what_was_told_while_nobody_sent_is_sent_later(
    server: ApiServer, client: kube.Client
) -> None:
    recorder = Recorder(client, "host")
    recorder.tell(_backstage(), [NOTE])

    async with _running(recorder):
        pass

    assert server.get(EVENT._replace(name=_name(NOTE))) is not None


async def test_no_more_than_a_thousand_events_wait(
    server: ApiServer, client: kube.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    recorder = Recorder(client, "host")
    notes = [msgspec.structs.replace(NOTE, text=str(n)) for n in range(MAX_WAITING + 1)]
    recorder.tell(_backstage(), notes)

    async with _running(recorder):
        pass

    names = [EVENT._replace(name=_name(note)) for note in notes]
    assert [server.get(name) is not None for name in names] == [
        *[True] * MAX_WAITING,
        False,
    ]
    assert "event Why not told: too many wait" in caplog.messages


async def test_nobody_waits_for_events_that_nobody_sends(client: kube.Client) -> None:
    recorder = Recorder(client, "host")
    recorder.tell(_backstage(), [NOTE])

    with anyio.fail_after(GIVE_UP_SECONDS):
        await recorder.drain()


@pytest.mark.virtual_clock
async def test_an_event_that_takes_too_long_is_given_up_for_the_next(
    server: ApiServer, client: kube.Client
) -> None:
    async def never(_: Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    other = msgspec.structs.replace(NOTE, reason="Other")
    server.answer("create", never)

    async with _running(Recorder(client, "host")) as recorder:
        recorder.tell(_backstage(), [NOTE, other])

    found = [server.get(EVENT._replace(name=_name(n))) for n in (NOTE, other)]
    assert [event and event["reason"] for event in found] == [None, "Other"]
