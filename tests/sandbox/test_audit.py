"""Reading a log that is still written."""

import json
from pathlib import Path

import pytest

from backstage_op.sandbox import read_events


def _line(name: str) -> bytes:
    event = {
        "verb": "get",
        "user": {"username": "somebody"},
        "requestURI": f"/api/v1/namespaces/{name}",
        "stageTimestamp": "2026-01-02T03:04:05.000000Z",
        "objectRef": {"resource": "namespaces", "name": name},
        "responseStatus": {"code": 200},
    }
    return json.dumps(event).encode() + b"\n"


FIRST, SECOND = _line("first"), _line("second")


@pytest.mark.parametrize(
    ("offset", "names"),
    [
        (0, ["first", "second"]),
        (len(FIRST) - 5, ["second"]),
        (len(FIRST), ["second"]),
        (len(FIRST) + 1, []),
        (len(FIRST) + len(SECOND), []),
    ],
)
def test_whole_events_after_the_offset_are_read(
    tmp_path: Path, offset: int, names: list[str]
) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(FIRST + SECOND + b'{"verb": "li')

    assert [event.name for event in read_events(log, offset)] == names
