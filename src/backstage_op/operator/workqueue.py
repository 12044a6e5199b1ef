"""A queue of keys: each waits at most once and is worked on by one worker at a time.

Keys, not events, are queued: a key that is added while it waits, or while it
is worked on, is worked on once more, however many events there were. Of the
keys that are due, the one that can wait least comes first.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Hashable
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar, final

import anyio

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF_SECONDS: Final = 0.2
LONGEST_BACKOFF_SECONDS: Final = 30.0


class _Turn(NamedTuple):
    """When a key is due, how long others may go first, and until when that is."""

    due: float
    patience: float
    deadline: float


_Heap: TypeAlias = list[tuple[float, int, Key]]


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
        self._turns: dict[Key, _Turn] = {}
        self._later: _Heap[Key] = []
        self._due: _Heap[Key] = []
        self._order = itertools.count()
        self._active: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._changed = anyio.Event()

    def __len__(self) -> int:
        """Return how many keys wait, whether due or not."""
        return len(self._turns)

    def add(
        self, key: Key, delay_seconds: float = 0.0, patience_seconds: float = 0.0
    ) -> None:
        """Make the key due, at the latest after the delay.

        When it is due, keys with less patience go first, but only until its own
        has ended: none waits for ever.
        """
        due = anyio.current_time() + delay_seconds
        turn = _Turn(due, patience_seconds, due + patience_seconds)
        if (before := self._turns.get(key)) is None:
            self._on_add()
        else:
            turn = _Turn(*map(min, turn, before))
            if turn == before:
                return
        self._turns[key] = turn
        self._push(key)

    def retry(self, key: Key, least_seconds: float = 0.0) -> float:
        """Make the key due after its backoff, and return that wait in seconds.

        It is no less than ``least_seconds``.

        The backoff doubles with each failure since :meth:`forget`, with jitter
        down to half, so that keys which failed together do not return together.
        """
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        longest = min(
            LONGEST_BACKOFF_SECONDS,
            FIRST_BACKOFF_SECONDS * float(2 ** min(failures, 32)),
        )
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
        wait = max(longest * jitter, least_seconds)
        self.add(key, wait)
        return wait

    def forget(self, key: Key) -> None:
        """Start the backoff of the key anew."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """Wait for a due key that nobody works on, and mark it as worked on.

        The caller must call :meth:`done` or :meth:`postpone` with it.
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
        self._active.pop(key, None)
        if key in self._turns:
            self._push(key)

    def postpone(self, key: Key, seconds: float) -> None:
        """Give a key back that was taken too early, as patient as it was."""
        self.add(key, seconds, self._active.get(key, 0.0))
        self.done(key)

    def _push(self, key: Key) -> None:
        heapq.heappush(self._later, (self._turns[key].due, next(self._order), key))
        self._changed.set()
        self._changed = anyio.Event()

    def _pop(self) -> tuple[Key | None, float]:
        """Take the due key that can wait least, or tell how long to wait for one."""
        now = anyio.current_time()
        wait = self._sort_out(now)
        while self._due:
            deadline, _, key = heapq.heappop(self._due)
            turn = self._turns.get(key)
            if turn is None or turn.deadline != deadline or key in self._active:
                continue
            del self._turns[key]
            self._active[key] = turn.patience
            self._on_get(now - turn.due)
            return key, 0.0
        return None, wait

    def _sort_out(self, now: float) -> float:
        """Move what has become due, and return how long until the next one is."""
        while self._later:
            due, number, key = self._later[0]
            turn = self._turns.get(key)
            # An active key is pushed again when its work is done.
            if turn is None or turn.due != due or key in self._active:
                heapq.heappop(self._later)
            elif due > now:
                return due - now
            else:
                heapq.heappop(self._later)
                heapq.heappush(self._due, (turn.deadline, number, key))
        return math.inf
