from __future__ import annotations

import itertools
from collections.abc import Callable

import anyio
import pytest

from backstage_op import errors
from backstage_op.retry import RetryPolicy

pytestmark = pytest.mark.virtual_clock

TRANSIENT = errors.TransientError("get", "Secret a/b", status=503)


class Call:
    """Fails with these errors, one a call, then works; notes when it was called."""

    def __init__(self, *failures: BaseException) -> None:
        self._failures = list(failures)
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(anyio.current_time())
        if self._failures:
            raise self._failures.pop(0)
        return "done"

    def waits(self) -> list[float]:
        return [b - a for a, b in itertools.pairwise(self.times)]


async def _retried(
    call: Call,
    policy: RetryPolicy | None = None,
    is_safe: Callable[[errors.TransientError], bool] = lambda _: True,
) -> str:
    answer = ""
    async for attempt in (policy or RetryPolicy()).retrying(is_safe=is_safe):
        with attempt:
            answer = await call()
    return answer


def _asking_for(seconds: float) -> errors.TransientError:
    return errors.TransientError(
        "get", "Secret a/b", status=429, retry_after_seconds=seconds
    )


async def test_a_transient_error_is_tried_again_until_it_works() -> None:
    call = Call(TRANSIENT, TRANSIENT)

    assert await _retried(call) == "done"
    assert len(call.times) == 3


async def test_waits_double_with_jitter_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=8, first_wait_seconds=0.1, longest_wait_seconds=2.0)
    call = Call(*[TRANSIENT] * 7)

    await _retried(call, policy)

    for wait, least in zip(
        call.waits(), [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], strict=True
    ):
        assert least <= wait + 1e-9
        assert wait <= min(least + 0.1, 2.0) + 1e-9


async def test_waits_of_two_clients_differ() -> None:
    one, other = Call(TRANSIENT), Call(TRANSIENT)

    await _retried(one)
    await _retried(other)

    assert one.waits() != other.waits()


async def test_the_last_error_is_raised_as_it_is() -> None:
    failures = [errors.TransientError("get", f"Secret {n}") for n in range(9)]
    call = Call(*failures)

    with pytest.raises(errors.TransientError) as caught:
        await _retried(call)

    assert caught.value is failures[3]
    assert len(call.times) == 4


async def test_a_wish_of_the_server_is_honored_exactly() -> None:
    call = Call(_asking_for(7.0), _asking_for(30.0), _asking_for(1.0))

    await _retried(call)

    assert call.waits() == pytest.approx([7.0, 30.0, 1.0], abs=1e-9)


async def test_a_wish_for_too_long_fails_at_once() -> None:
    call = Call(_asking_for(31.0))

    with pytest.raises(errors.TransientError):
        await _retried(call)

    assert len(call.times) == 1


async def test_a_wish_for_no_wait_gets_the_usual_one() -> None:
    call = Call(_asking_for(0.0))

    await _retried(call)

    assert 0.1 <= call.waits()[0] + 1e-9 <= 0.2 + 2e-9


@pytest.mark.parametrize(
    "error",
    [
        errors.ConflictError("apply", "Secret a/b", status=409),
        errors.ExpiredError("list", "Secret a", status=410),
        errors.NotFoundError("get", "Secret a/b", status=404),
        errors.ForbiddenError("get", "Secret a/b", status=403),
        errors.RejectedError("apply", "Secret a/b", status=422),
        errors.SettingsError("token: expired; mount one"),
        KeyError("bug"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_repetition_cannot_cure_is_not_repeated(error: Exception) -> None:
    call = Call(error)

    with pytest.raises(type(error)) as caught:
        await _retried(call)

    assert caught.value is error
    assert len(call.times) == 1


async def test_what_is_not_safe_to_repeat_is_not_repeated() -> None:
    call = Call(TRANSIENT)

    with pytest.raises(errors.TransientError):
        await _retried(call, is_safe=lambda error: error.status == 429)

    assert len(call.times) == 1


async def test_cancellation_ends_a_wait_at_once() -> None:
    call = Call(_asking_for(20.0))
    start = anyio.current_time()

    with anyio.move_on_after(1.0) as scope:
        await _retried(call)

    assert scope.cancelled_caught
    assert anyio.current_time() - start == pytest.approx(1.0)
    assert len(call.times) == 1
