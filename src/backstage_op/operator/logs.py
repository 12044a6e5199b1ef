"""Log records for machines (one JSON object a line) or for people.

The resource that a task works on is kept in a context variable, so that every
record of a reconcile names it, whoever logs.
"""

from __future__ import annotations

import contextvars
import logging
import math
import sys
import time
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final, TextIO, final

import msgspec

from backstage_op import errors

_REPEAT_SECONDS: Final = 30.0

current_backstage: Final[contextvars.ContextVar[str]] = contextvars.ContextVar(
    "current_backstage", default=""
)
"""``namespace/name`` of the resource this task reconciles, or empty."""


class LogFormat(StrEnum):
    """How records are written."""

    JSON = "json"
    CONSOLE = "console"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, backstage, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; line breaks in values are escaped."""
        entry: dict[str, str] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if backstage := current_backstage.get():
            entry["backstage"] = backstage
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()


class ConsoleFormatter(logging.Formatter):
    """Time, level, resource and message, for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line, followed by a traceback if there is one."""
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        backstage = current_backstage.get()
        place = f" {backstage}" if backstage else ""
        message = record.getMessage().replace("\n", "\\n")
        line = f"{moment:%H:%M:%S} {record.levelname.lower():7}{place} {message}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


@final
class OncePerCause(logging.Filter):
    """Lets a warning pass that says something new, and its repetitions twice a minute.

    An API server that is away is one cause, whoever notices it: dozens of
    watches do, and every reconcile. The next line tells how many it stands for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._causes: dict[Hashable, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to write a record; a bug is always written."""
        if record.levelno < logging.WARNING or record.exc_info:
            return True
        now, cause = self._clock(), _cause(record)
        until, left_out = self._causes.get(cause, (-math.inf, 0))
        if now < until:
            self._causes[cause] = (until, left_out + 1)
            return False
        self._forget_before(now)
        self._causes[cause] = (now + _REPEAT_SECONDS, 0)
        if left_out:
            text = record.getMessage()
            record.msg, record.args = "%s (and %d like it)", (text, left_out)
        return True

    def _forget_before(self, now: float) -> None:
        # Kept for one time more, so that the number of what was left out is told.
        self._causes = {
            cause: (until, left_out)
            for cause, (until, left_out) in self._causes.items()
            if now < until + _REPEAT_SECONDS
        }


def _cause(record: logging.LogRecord) -> Hashable:
    for value in record.args if isinstance(record.args, tuple) else ():
        if isinstance(value, errors.TransientError) and (
            not value.status
            or value.status == HTTPStatus.TOO_MANY_REQUESTS
            or value.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            return value.status, value.reason
    return current_backstage.get(), record.getMessage()


def configure(log_format: LogFormat, level: int, stream: TextIO = sys.stderr) -> None:
    """Send this package's records, and warnings of others, to a stream."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(OncePerCause())
    handler.setFormatter(
        JsonFormatter() if log_format is LogFormat.JSON else ConsoleFormatter()
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("backstage_op").setLevel(level)
