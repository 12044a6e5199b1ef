"""How long a watch that failed waits: longer each time, until it has been well."""

from __future__ import annotations

import random
from typing import Final, final

import anyio

from backstage_op import errors

from . import failures

_FIRST_SECONDS: Final = 0.8
_LONGEST_SECONDS: Final = 30.0
_HEALTHY_SECONDS: Final = 120.0
_MOST_DOUBLINGS: Final = 16


@final
class Backoff:
    """Counts failures; two minutes without one make the next wait short again."""

    def __init__(self) -> None:
        self._failures = 0
        self._failed_at = 0.0

    def next(self) -> float:
        """Return how long to wait after one more failure, in seconds."""
        now = anyio.current_time()
        if now - self._failed_at > _HEALTHY_SECONDS:
            self._failures = 0
        self._failed_at = now
        self._failures += 1
        doublings = min(self._failures - 1, _MOST_DOUBLINGS)
        longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * float(2**doublings))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    def after(self, error: errors.KubeError) -> float:
        """Return how long to wait, at least as long as the server asks for."""
        if error.reason == failures.SILENCE:
            # There was time enough between the two.
            return 0.0
        wanted = (
            error.retry_after_seconds
            if isinstance(error, errors.TransientError)
            else None
        )
        return max(self.next(), wanted or 0.0)
