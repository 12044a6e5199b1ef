"""The virtual clock of the tests: minutes pass at once, but not beside a thread."""

import time

import anyio
import anyio.to_thread
import pytest

pytestmark = pytest.mark.virtual_clock


async def test_a_day_passes_at_once() -> None:
    start = anyio.current_time()

    await anyio.sleep(86_400)

    assert anyio.current_time() - start == 86_400


async def test_time_stands_still_while_threads_compute() -> None:
    start = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, 60)
        for seconds in (0.01, 0.02):
            tasks.start_soon(anyio.to_thread.run_sync, time.sleep, seconds)
            await anyio.to_thread.run_sync(time.sleep, seconds)
            assert anyio.current_time() == start

    assert anyio.current_time() - start == 60
