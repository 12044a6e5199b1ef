"""A queue of keys: each waits at most once and is worked on by one worker at a time.

Keys, not events, are queued: a key that is added while it waits, or while it
is worked on, is worked on once more, however many events there were.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar, final

import anyio

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF_SECONDS: Final = 0.2
LONGEST_BACKOFF_SECONDS: Final = 30.0


@final
class WorkQueue(Generic[Key]):
    """Keys that are due now or later, with a backoff for each key that fails.

    ``on_add`` is told when a key begins to wait, ``on_get`` how many seconds it
    was overdue when somebody took it.

    Not thread-safe: all methods are called from one event loop.
    """

    def __init__(
        self,
        *,
        on_add: Callable[[], None] = lambda: None,
        on_get: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._on_add = on_add
        self._on_get = on_get
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._active: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._changed = anyio.Event()

    def __len__(self) -> int:
        """Return how many keys wait, whether due or not."""
        return len(self._due)

    def add(self, key: Key, delay_seconds: float = 0.0) -> None:
        """Make the key due, at the latest after the delay."""
        due = anyio.current_time() + delay_seconds
        if due >= self._due.get(key, math.inf):
            return
        if key not in self._due:
            self._on_add()
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._notify()

    def retry(self, key: Key) -> float:
        """Make the key due after its backoff, and return that wait in seconds.

        The backoff doubles with each failure since :meth:`forget`, with jitter
        down to half, so that keys which failed together do not return together.
        """
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        longest = min(
            LONGEST_BACKOFF_SECONDS,
            FIRST_BACKOFF_SECONDS * float(2 ** min(failures, 32)),
        )
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        self.add(key, wait)
        return wait

    def forget(self, key: Key) -> None:
        """Start the backoff of the key anew."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """Wait for a due key that nobody works on, and mark it as worked on.

        The caller must call :meth:`done` with it.
        """
        while True:
            # Taken before the state is read, so that no change is missed.
            changed = self._changed
            key, wait = self._pop()
            if key is not None:
                return key
            with anyio.move_on_after(wait):
                await changed.wait()

    def done(self, key: Key) -> None:
        """Say that the work on the key has ended, well or not."""
        self._active.discard(key)
        if key in self._due:
            heapq.heappush(self._heap, (self._due[key], next(self._order), key))
            self._notify()

    def _pop(self) -> tuple[Key | None, float]:
        """Take the first due key, or tell how long to wait for one."""
        now = anyio.current_time()
        while self._heap:
            due, _, key = self._heap[0]
            is_stale = self._due.get(key) != due
            # An active key is pushed again when its work is done.
            if is_stale or key in self._active:
                heapq.heappop(self._heap)
                continue
            if due > now:
                return None, due - now
            heapq.heappop(self._heap)
            del self._due[key]
            self._active.add(key)
            self._on_get(now - due)
            return key, 0.0
        return None, math.inf

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
