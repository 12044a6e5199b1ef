"""How soon an instance may be looked at again: changes that come together are one.

Whoever edits three ConfigMaps wants one rollout, and a tool that edits one a
hundred times a second must not start a rollout with each of its edits. Nor may
an instance that takes long to compute take the time of all others.
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
_LIGHT_SECONDS: Final = 0.02
_REST_PER_LABOR: Final = 9.0
"""A laborious instance gets a tenth of a core at most."""
_LONGEST_REST_SECONDS: Final = 60.0


@final
class Pace:
    """Instances that rest for a second, or whose objects are being changed."""

    def __init__(self) -> None:
        self._rests_until: dict[InstanceKey, float] = {}
        self._changing: dict[InstanceKey, tuple[float, float]] = {}
        self._labors: dict[InstanceKey, float] = {}

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
        self._rest(key, _REST_SECONDS)

    def labor(self, key: InstanceKey, seconds: float) -> None:
        """Take note how much processor time it took to compute an instance.

        If it is laborious time after time, it rests nine times as long. Once is
        nothing: a text that was not seen before takes long to parse.
        """
        lasting = min(seconds, self._labors.get(key, 0.0))
        self._labors[key] = seconds
        if lasting > _LIGHT_SECONDS:
            self._rest(key, min(lasting * _REST_PER_LABOR, _LONGEST_REST_SECONDS))

    def wait(self, key: InstanceKey) -> float:
        """Return for how many seconds an instance is not to be looked at."""
        _, until = self._changing.get(key, (0.0, 0.0))
        left = max(self._rests_until.get(key, 0.0), until) - anyio.current_time()
        if left > 0.0:
            return left
        self._rests_until.pop(key, None)
        self._changing.pop(key, None)
        return 0.0

    def forget(self, key: InstanceKey) -> None:
        """Know nothing of an instance any more."""
        self._rests_until.pop(key, None)
        self._changing.pop(key, None)
        self._labors.pop(key, None)

    def _rest(self, key: InstanceKey, seconds: float) -> None:
        until = anyio.current_time() + seconds
        self._rests_until[key] = max(until, self._rests_until.get(key, until))
