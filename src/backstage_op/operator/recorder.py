"""Events on their way to the API server, beside the work that they tell of."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, final

import anyio

from backstage_op import api, errors, kube
from backstage_op.document import Document

from .events import Note, document_of

_log: Final = logging.getLogger(__name__)

_LONGEST_SECONDS: Final = 5.0
MAX_WAITING: Final = 1000
"""The most Events that wait to be sent."""


@final
class Recorder:
    """Sends Events, one after the other, while the work goes on.

    What cannot be sent is dropped, and stops nothing; so is what comes while
    1,000 wait. ``instance`` names the process that tells.
    """

    def __init__(self, client: kube.Client, instance: str) -> None:
        self._client = client
        self._instance = instance
        self._waiting: deque[Document] = deque()
        self._is_running = False
        self._told = anyio.Event()
        self._all_sent = anyio.Event()

    def tell(self, backstage: api.Backstage, notes: Iterable[Note]) -> None:
        """Take notes that are to be sent, in their order."""
        for note in notes:
            if len(self._waiting) >= MAX_WAITING:
                _log.info("event %s not told: too many wait", note.reason)
                return
            now = datetime.now(UTC)
            self._waiting.append(document_of(note, backstage, self._instance, now))
            self._told.set()

    async def run(self) -> None:
        """Send what is told, until cancelled."""
        self._is_running = True
        try:
            while True:
                await self._send_all()
                self._told = anyio.Event()
                await self._told.wait()
        finally:
            self._is_running = False
            self._all_sent.set()

    async def drain(self) -> None:
        """Return when all that was told has been sent, or nobody sends it."""
        while self._waiting and self._is_running:
            all_sent = self._all_sent
            await all_sent.wait()

    async def _send_all(self) -> None:
        while self._waiting:
            # One that takes long, for whatever reason, must not hold up all others.
            with anyio.move_on_after(_LONGEST_SECONDS):
                await self._send(self._waiting[0])
            self._waiting.popleft()
        self._all_sent.set()
        self._all_sent = anyio.Event()

    async def _send(self, document: Document) -> None:
        try:
            await self._client.create(document)
        except errors.ConflictError:
            _log.debug("event %s is told already", document["reason"])
        except errors.OperatorError as error:
            _log.info("event %s not told: %s", document["reason"], error)
