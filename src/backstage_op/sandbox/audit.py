"""What was requested of the API server, by whom: its audit log, read.

An event is written before its request is answered, so that whoever got an
answer finds the event.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import final

import msgspec


@final
class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One request. Fields that do not apply to it are empty.

    ``verb`` is Kubernetes' word: get, list, watch, create, update, patch,
    delete, deletecollection. ``timestamp`` is when the answer was complete
    (for a watch: when it ended).
    """

    user: str
    user_agent: str
    verb: str
    request_uri: str
    api_group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    timestamp: datetime.datetime


class _User(msgspec.Struct):
    username: str = ""


class _Object(msgspec.Struct, rename="camel"):
    api_group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class _Response(msgspec.Struct):
    code: int = 0


class _Line(msgspec.Struct):
    verb: str
    user: _User
    request_uri: str = msgspec.field(name="requestURI")
    timestamp: datetime.datetime = msgspec.field(name="stageTimestamp")
    user_agent: str = msgspec.field(name="userAgent", default="")
    target: _Object = msgspec.field(name="objectRef", default_factory=_Object)
    response: _Response = msgspec.field(
        name="responseStatus", default_factory=_Response
    )


def read_events(log: Path, offset: int = 0) -> list[AuditEvent]:
    """Return the events of a log, from a byte offset on, in the order of writing.

    A last line that is not complete yet is left out, and so is the rest of a
    line that had begun before the offset.
    """
    with log.open("rb") as file:
        if offset:
            file.seek(offset - 1)
            # What this reads is a line feed, or the rest of such a line.
            file.readline()
        content = file.read()
    complete = content[: content.rfind(b"\n") + 1]
    lines = msgspec.json.Decoder(_Line).decode_lines(complete)
    return [_event(line) for line in lines]


def _event(line: _Line) -> AuditEvent:
    return AuditEvent(
        user=line.user.username,
        user_agent=line.user_agent,
        verb=line.verb,
        request_uri=line.request_uri,
        api_group=line.target.api_group,
        resource=line.target.resource,
        subresource=line.target.subresource,
        namespace=line.target.namespace,
        name=line.target.name,
        code=line.response.code,
        timestamp=line.timestamp,
    )
