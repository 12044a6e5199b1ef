"""Records for machines and for people."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from backstage_op.operator import logs
from backstage_op.operator.logs import LogFormat, current_backstage

_LOG = logging.getLogger("backstage_op.test")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("backstage_op")
    before = root.handlers, root.level, ours.level
    yield io.StringIO()
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_a_json_record_is_one_line_that_names_the_resource(stream: io.StringIO) -> None:
    logs.configure(LogFormat.JSON, logging.INFO, stream)
    token = current_backstage.set("ns/my")
    _LOG.info("two\nlines of %s", "text")
    current_backstage.reset(token)

    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "info",
        "logger": "backstage_op.test",
        "message": "two\nlines of text",
        "backstage": "ns/my",
    }


def test_a_json_record_holds_the_traceback(stream: io.StringIO) -> None:
    logs.configure(LogFormat.JSON, logging.INFO, stream)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        _LOG.exception("failed")

    (line,) = stream.getvalue().splitlines()
    assert "RuntimeError: broken" in json.loads(line)["error"]


def test_a_console_record_is_one_line_for_people(stream: io.StringIO) -> None:
    logs.configure(LogFormat.CONSOLE, logging.INFO, stream)
    token = current_backstage.set("ns/my")
    _LOG.warning("two\nlines")
    current_backstage.reset(token)

    (line,) = stream.getvalue().splitlines()
    assert line[8:] == " warning ns/my two\\nlines"


def test_others_are_heard_from_warnings_on(stream: io.StringIO) -> None:
    logs.configure(LogFormat.JSON, logging.DEBUG, stream)
    logging.getLogger("somebody").info("chatter")
    logging.getLogger("somebody").warning("trouble")
    _LOG.debug("detail")

    messages = [json.loads(x)["message"] for x in stream.getvalue().splitlines()]
    assert messages == ["trouble", "detail"]
