"""How soon an instance may be looked at again: changes that come together are one.

Whoever edits three ConfigMaps wants one rollout, and a tool that edits one a
hundred times a second must not start a rollout with each of its edits.
"""

from __future__ import annotations

from typing import Final, final

import anyio

from .references import InstanceKey

_REST_SECONDS: Final = 1.0
_FIRST_SECONDS: Final = 0.03
"""Long enough for objects that are applied together, and not to be felt."""
_FURTHER_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 0.3


@final
class Pace:
    """Instances that rest for a second, or whose objects are being changed."""

    def __init__(self) -> None:
        self._rests_until: dict[InstanceKey, float] = {}
        self._changing: dict[InstanceKey, tuple[float, float]] = {}

    def change(self, key: InstanceKey) -> float:
        """Take note that an object of an instance was changed.

        Returns how many seconds to wait for more of them: longer if there were
        some before, since somebody is at it, but no end of it is waited for.
        """
        now = anyio.current_time()
        if (last := self._changing.get(key)) is None:
            first, until = now, now + _FIRST_SECONDS
        else:
            first = last[0]
            until = min(now + _FURTHER_SECONDS, first + _LONGEST_SECONDS)
        self._changing[key] = first, until
        return max(0.0, until - now)

    def rest(self, key: InstanceKey) -> None:
        """Let an instance rest from now on."""
        self._rests_until[key] = anyio.current_time() + _REST_SECONDS

    def wait(self, key: InstanceKey) -> float:
        """Return for how many seconds an instance is not to be looked at."""
        _, until = self._changing.get(key, (0.0, 0.0))
        left = max(self._rests_until.get(key, 0.0), until) - anyio.current_time()
        if left > 0.0:
            return left
        self.forget(key)
        return 0.0

    def forget(self, key: InstanceKey) -> None:
        """Let an instance rest no longer."""
        self._rests_until.pop(key, None)
        self._changing.pop(key, None)
