"""The queue of keys, on a clock that jumps."""

import anyio
import pytest
from tests.support.limits import GIVE_UP_SECONDS
from trio.testing import MockClock

from backstage_op.operator import workqueue
from backstage_op.operator.workqueue import WorkQueue


async def _is_idle(queue: WorkQueue[str]) -> bool:
    with anyio.move_on_after(0.05):
        await queue.get()
        return False
    return True


async def test_a_key_that_is_added_twice_is_worked_on_once() -> None:
    queue = WorkQueue[str]()
    queue.add("a")
    queue.add("a")

    assert len(queue) == 1
    assert await queue.get() == "a"
    queue.done("a")
    assert await _is_idle(queue)


async def test_keys_come_in_the_order_in_which_they_were_added() -> None:
    queue = WorkQueue[str]()
    for key in ("b", "a", "c"):
        queue.add(key)

    assert [await queue.get() for _ in range(3)] == ["b", "a", "c"]


async def test_a_key_that_is_worked_on_waits_until_that_is_done() -> None:
    queue = WorkQueue[str]()
    queue.add("a")
    await queue.get()

    queue.add("a")
    assert await _is_idle(queue)
    queue.done("a")

    assert await queue.get() == "a"


async def test_other_keys_go_on_while_one_is_worked_on() -> None:
    queue = WorkQueue[str]()
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("b")

    assert await queue.get() == "b"


async def test_a_worker_that_waits_is_woken() -> None:
    queue = WorkQueue[str]()
    got: list[str] = []

    async def work() -> None:
        got.append(await queue.get())

    with anyio.fail_after(GIVE_UP_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            await anyio.wait_all_tasks_blocked()
            queue.add("a")

    assert got == ["a"]


async def test_a_worker_that_is_cancelled_takes_no_key_with_it() -> None:
    queue = WorkQueue[str]()
    with anyio.move_on_after(0.01):
        await queue.get()

    queue.add("a")

    assert await queue.get() == "a"


@pytest.mark.virtual_clock
async def test_a_delayed_key_comes_when_it_is_due() -> None:
    queue = WorkQueue[str]()
    start = anyio.current_time()
    queue.add("a", 0.2)

    assert await queue.get() == "a"
    assert anyio.current_time() - start == pytest.approx(0.2)


async def test_an_earlier_time_replaces_a_later_one_and_not_the_other_way() -> None:
    queue = WorkQueue[str]()
    queue.add("a", 10_000)
    queue.add("a")
    queue.add("a", 20_000)

    with anyio.fail_after(GIVE_UP_SECONDS):
        assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_key_that_becomes_due_while_worked_on_is_not_lost() -> None:
    queue = WorkQueue[str]()
    queue.add("a")
    await queue.get()
    queue.add("a", 0.01)
    assert await _is_idle(queue)

    queue.done("a")

    with anyio.fail_after(GIVE_UP_SECONDS):
        assert await queue.get() == "a"


async def test_a_patient_key_lets_those_go_first_that_come_later() -> None:
    queue = WorkQueue[str]()
    queue.add("patient", patience_seconds=10_000)
    queue.add("less patient", patience_seconds=5_000)
    queue.add("a")
    queue.add("b")

    got = [await queue.get() for _ in range(4)]

    assert got == ["a", "b", "less patient", "patient"]


@pytest.mark.virtual_clock
async def test_a_patient_key_does_not_wait_for_ever() -> None:
    queue = WorkQueue[str]()
    queue.add("patient", patience_seconds=1)
    await anyio.sleep(2)
    queue.add("a")

    assert [await queue.get() for _ in range(2)] == ["patient", "a"]


@pytest.mark.virtual_clock
async def test_patience_begins_when_a_key_is_due() -> None:
    queue = WorkQueue[str]()
    queue.add("late", 10, patience_seconds=1)
    queue.add("early", 5, patience_seconds=20)
    start = anyio.current_time()

    assert await queue.get() == "early"
    assert anyio.current_time() - start == pytest.approx(5)
    assert await queue.get() == "late"
    assert anyio.current_time() - start == pytest.approx(10)


async def test_a_patient_key_that_is_added_again_without_patience_goes_first() -> None:
    queue = WorkQueue[str]()
    queue.add("patient", patience_seconds=10_000)
    queue.add("a", patience_seconds=5_000)
    queue.add("patient")

    assert [await queue.get() for _ in range(2)] == ["patient", "a"]
    queue.done("patient")
    queue.done("a")
    assert await _is_idle(queue)


@pytest.mark.virtual_clock
async def test_a_key_that_was_taken_too_early_comes_back_as_patient_as_it_was() -> None:
    queue = WorkQueue[str]()
    queue.add("patient", patience_seconds=10)
    queue.postpone(await queue.get(), 1)
    await anyio.sleep(2)
    queue.add("a")

    assert [await queue.get() for _ in range(2)] == ["a", "patient"]


@pytest.mark.virtual_clock
async def test_a_change_of_what_was_overdue_waits_for_no_later_ones() -> None:
    queue = WorkQueue[str]()
    queue.add("changed", patience_seconds=10)
    await anyio.sleep(1)
    queue.add("changed", 1)
    queue.postpone(await queue.get(), 1)
    queue.add("later", 1.5)
    await anyio.sleep(2)

    assert [await queue.get() for _ in range(2)] == ["changed", "later"]


async def test_a_backoff_is_no_shorter_than_the_server_wishes() -> None:
    queue = WorkQueue[str]()

    assert queue.retry("a", 20.0) == 20.0
    assert queue.retry("a", 0.1) >= workqueue.FIRST_BACKOFF_SECONDS


async def test_the_backoff_doubles_up_to_a_limit_and_starts_anew() -> None:
    queue = WorkQueue[str]()

    waits = [queue.retry("a") for _ in range(40)]

    for number, wait in enumerate(waits[:6], 1):
        longest = workqueue.FIRST_BACKOFF_SECONDS * 2**number
        assert longest / 2 <= wait <= longest
    assert all(15 <= wait <= 30 for wait in waits[-10:])
    queue.forget("a")
    assert queue.retry("a") <= workqueue.FIRST_BACKOFF_SECONDS * 2


async def test_one_key_that_fails_delays_no_other() -> None:
    queue = WorkQueue[str]()
    for _ in range(10):
        queue.retry("a")

    assert queue.retry("b") <= workqueue.FIRST_BACKOFF_SECONDS * 2


def test_whatever_fails_is_tried_twice_a_minute_at_least_and_not_much_more() -> None:
    async def fail_all_day() -> int:
        queue = WorkQueue[str]()
        queue.add("a")
        tries = 0
        with anyio.move_on_after(24 * 3600):
            while True:
                key = await queue.get()
                tries += 1
                queue.retry(key)
                queue.done(key)
        return tries

    # A day passes on trio's virtual clock alone.
    clock = MockClock(autojump_threshold=0)
    tries = anyio.run(fail_all_day, backend="trio", backend_options={"clock": clock})

    assert 24 * 120 < tries < 24 * 240 + 20
