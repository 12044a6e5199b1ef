"""The process ends when it is told to, whatever still computes."""

from __future__ import annotations

import subprocess
import sys

from tests.support.limits import GIVE_UP_SECONDS

_PROGRAM = """
import threading

from backstage_op.cli import interpreter

threading.Thread(target=threading.Event().wait).start()
interpreter.leave_threads_behind()
"""


def test_a_thread_that_goes_on_does_not_hold_up_the_end_of_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], check=False, timeout=GIVE_UP_SECONDS
    )

    assert done.returncode == 0
