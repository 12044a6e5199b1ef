"""When a test gives up.

A limit is a guard against waiting for ever, and no measure of speed: the machine
may be slow, and busy with other things.
"""

from __future__ import annotations

from typing import Final

GIVE_UP_SECONDS: Final = 120.0
"""For one thing to happen, in real time."""
