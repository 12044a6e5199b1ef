"""Log records for machines (one JSON object a line) or for people.

The resource that a task works on is kept in a context variable, so that every
record of a reconcile names it, whoever logs.
"""

from __future__ import annotations

import contextvars
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TextIO

import msgspec

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
        time = datetime.fromtimestamp(record.created, UTC).astimezone()
        backstage = current_backstage.get()
        place = f" {backstage}" if backstage else ""
        message = record.getMessage().replace("\n", "\\n")
        line = f"{time:%H:%M:%S} {record.levelname.lower():7}{place} {message}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(log_format: LogFormat, level: int, stream: TextIO = sys.stderr) -> None:
    """Send this package's records, and warnings of others, to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        JsonFormatter() if log_format is LogFormat.JSON else ConsoleFormatter()
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("backstage_op").setLevel(level)
