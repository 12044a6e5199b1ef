"""Records for machines and for people."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from backstage_op import errors
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


class TestOncePerCause:
    """What is written while something goes on and on."""

    @pytest.fixture
    def now(self) -> list[float]:
        return [1000.0]

    @pytest.fixture
    def log(self, now: list[float], stream: io.StringIO) -> Iterator[logging.Logger]:
        log = logging.getLogger("backstage_op.repeats")
        handler = logging.StreamHandler(stream)
        handler.addFilter(logs.OncePerCause(lambda: now[0]))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        yield log
        log.removeHandler(handler)

    def test_a_server_that_is_away_is_one_cause_whoever_notices(
        self, log: logging.Logger, now: list[float], stream: io.StringIO
    ) -> None:
        for _ in range(61):
            for kind in ("Secret", "Service", "Route"):
                error = errors.TransientError("list", kind, detail="refused")
                log.warning("%s: %s", kind, error)
            now[0] += 1

        first, second, third = stream.getvalue().splitlines()
        assert first == "Secret: list Secret: no answer refused"
        assert second == "Secret: list Secret: no answer refused (and 89 like it)"
        assert third == second

    def test_another_cause_is_told_at_once(
        self, log: logging.Logger, stream: io.StringIO
    ) -> None:
        log.warning("a: %s", errors.TransientError("get", "a", reason="ConnectError"))
        log.warning("a: %s", errors.TransientError("get", "a", status=503))
        log.warning("a: %s", errors.ForbiddenError("get", "a", status=403))
        log.warning("b: %s", errors.ForbiddenError("get", "b", status=403))
        log.warning("b: %s", errors.ForbiddenError("get", "b", status=403))

        assert len(stream.getvalue().splitlines()) == 4

    def test_conflicts_are_of_their_instances(
        self, log: logging.Logger, stream: io.StringIO
    ) -> None:
        for name in ("a", "b"):
            log.warning("%s: %s", name, errors.ConflictError("apply", name, status=409))

        assert len(stream.getvalue().splitlines()) == 2

    def test_information_and_bugs_are_always_written(
        self, log: logging.Logger, stream: io.StringIO
    ) -> None:
        for _ in range(2):
            log.info("deployed")
            log.error("a bug", exc_info=ValueError())

        lines = stream.getvalue().splitlines()
        assert [lines.count("deployed"), lines.count("a bug")] == [2, 2]
