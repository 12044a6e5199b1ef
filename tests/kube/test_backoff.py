"""How long a watch that failed waits."""

from __future__ import annotations

import anyio
import pytest

from backstage_op import errors
from backstage_op.kube import failures
from backstage_op.kube.backoff import Backoff

pytestmark = pytest.mark.virtual_clock


async def test_each_failure_waits_longer_up_to_half_a_minute(
    anyio_backend: object,
) -> None:
    backoff = Backoff()

    waits = [backoff.next() for _ in range(10)]

    longest = [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0, 30.0, 30.0]
    assert [
        (wait, most)
        for wait, most in zip(waits, longest, strict=True)
        if not most / 2 <= wait <= most
    ] == []


async def test_two_good_minutes_make_the_next_wait_short_again(
    anyio_backend: object,
) -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.next()

    await anyio.sleep(121.0)

    assert backoff.next() <= 0.8


async def test_the_wish_of_the_server_is_the_least(anyio_backend: object) -> None:
    busy = errors.TransientError("list", "Secret", retry_after_seconds=45.0)

    assert Backoff().after(busy) == 45.0


async def test_after_a_silence_there_was_time_enough(anyio_backend: object) -> None:
    silence = errors.TransientError("watch", "Secret", reason=failures.SILENCE)

    assert Backoff().after(silence) == 0.0
