"""How the interpreter is set up for a process that serves many instances."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from typing import Final

_JSON_LEVELS: Final = 11_000
"""The API server's limit of 10,000, and the calls that lead to the decoder."""

_SWITCH_SECONDS: Final = 0.0005

_PARTING_SECONDS: Final = 0.5


def allow_deep_json() -> None:
    """Let JSON be decoded that is nested as deeply as the API server accepts.

    By default a tenth of that ends the decoding of a watch event, and with it
    the process: one resource would stop the operator for everybody. Whether
    such a resource can be used is judged later, and is its own affair.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _JSON_LEVELS))


def keep_pauses_short() -> None:
    """Let no instance wait long for what the process does for another.

    A thread that computes gives way to the event loop ten times sooner than by
    default, and the search for garbage leaves out what the imports have made.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()


def leave_threads_behind() -> None:
    """End the process now, if a thread still computes what nobody waits for.

    The interpreter would wait for it, longer than a pod has to end perhaps.
    """
    deadline = time.monotonic() + _PARTING_SECONDS
    for thread in threading.enumerate():
        if thread is threading.current_thread() or thread.daemon:
            continue
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            logging.shutdown()
            os._exit(0)
