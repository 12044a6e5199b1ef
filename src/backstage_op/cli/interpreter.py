"""How the interpreter is set up for a process that serves many instances."""

from __future__ import annotations

import gc
import sys
from typing import Final

_JSON_LEVELS: Final = 11_000
"""The API server's limit of 10,000, and the calls that lead to the decoder."""

_SWITCH_SECONDS: Final = 0.0005


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
