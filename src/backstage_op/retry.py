"""How often a call is tried again: one policy object, applied by tenacity."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Final

import anyio
import msgspec
import tenacity

from . import errors

_log: Final = logging.getLogger(__name__)


_NEVER_AGAIN: Final = (
    errors.ConflictError,
    errors.ExpiredError,
    errors.NotLeaderError,
)
"""What a repetition of the same call cannot mend."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Retries of one call to the API server.

    Only :class:`errors.TransientError` is retried, and a conflict is not: it
    needs a new read first. Whatever takes longer than these few seconds
    belongs to the work queue, which tries again with its own backoff.

    ``attempts`` counts the first one. Waits grow from ``first_wait_seconds``
    by doubling, with jitter, to ``longest_wait_seconds``; a wish of the server
    (``Retry-After``) is honored exactly, unless it is longer than
    ``longest_server_wait_seconds``: then the call fails at once.
    """

    attempts: int = 4
    first_wait_seconds: float = 0.1
    longest_wait_seconds: float = 2.0
    longest_server_wait_seconds: float = 30.0

    def retrying(
        self, is_safe: Callable[[errors.TransientError], bool] = lambda _: True
    ) -> tenacity.AsyncRetrying:
        """Return an iterator of attempts, for one call.

        ``is_safe`` tells whether the call may be repeated after an error. The
        last error is raised as it is. Cancellation is never retried.
        """

        def is_worth_it(error: BaseException) -> bool:
            return (
                isinstance(error, errors.TransientError)
                and self._is_worth_it(error)
                and is_safe(error)
            )

        return tenacity.AsyncRetrying(
            sleep=anyio.sleep,
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=self._wait,
            retry=tenacity.retry_if_exception(is_worth_it),
            before_sleep=_log_attempt,
            reraise=True,
        )

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = _error_of(state)
        if isinstance(error, errors.TransientError) and error.retry_after_seconds:
            return error.retry_after_seconds
        # Not tenacity's wait: between 9.1 and 9.2 its parameters were renamed.
        doubled = self.first_wait_seconds * 2.0 ** (state.attempt_number - 1)
        jitter = random.uniform(0.0, self.first_wait_seconds)  # noqa: S311
        return min(doubled + jitter, self.longest_wait_seconds)

    def _is_worth_it(self, error: errors.TransientError) -> bool:
        if isinstance(error, _NEVER_AGAIN):
            return False
        return (error.retry_after_seconds or 0) <= self.longest_server_wait_seconds


def _error_of(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _log_attempt(state: tenacity.RetryCallState) -> None:
    wait = state.next_action.sleep if state.next_action is not None else 0.0
    _log.warning(
        "attempt %d failed, next in %.2f s: %s",
        state.attempt_number,
        wait,
        _error_of(state),
    )
