"""What the audience sees: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol, final

from rich.console import Console
from rich.live import Live
from rich.table import Table

_PICTURE_COLUMNS: Final = 92
_FONT_FACE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_COLORS: Final = {
    "ok": "green",
    "changed": "yellow",
    "waiting": "cyan",
    "blocked": "bright_black",
    "gone": "bright_black",
    "kept": "magenta",
}


class Board(Protocol):
    """Shows the state of objects, and what it says about each."""

    def show(self, rows: dict[str, tuple[str, str]]) -> None:
        """Show objects by name: a word for the state, and a remark."""


@final
class Stage:
    """Where the demo speaks. Every line begins with the seconds since the start."""

    def __init__(self, *, is_recorded: bool = False) -> None:
        self._console = Console(
            highlight=False,
            soft_wrap=True,
            record=is_recorded,
            width=_PICTURE_COLUMNS if is_recorded else None,
        )
        self._start = time.monotonic()
        self._is_live = sys.stdout.isatty() and not is_recorded

    def act(self, title: str) -> None:
        """Begin a part."""
        self._console.print(f"\n[bold]{title}[/bold]")

    def say(self, text: str) -> None:
        """Tell something, in one line."""
        seconds = time.monotonic() - self._start
        self._console.print(f"[bright_black]{seconds:6.1f} s[/] ", end="")
        self._console.print(text, markup=False)

    def save_picture(self, path: Path) -> None:
        """Write what was said as a picture (SVG), with fonts of the viewer's."""
        svg = self._console.export_svg(title="nox -s demo")
        path.write_text(_FONT_FACE.sub("", svg), encoding="utf-8")

    @contextmanager
    def board(self) -> Iterator[Board]:
        """Show objects until the end of the block."""
        if not self._is_live:
            yield _Lines(self)
            return
        with Live(console=self._console, refresh_per_second=10) as live:
            yield _Table(live)


@final
class _Table:
    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, rows: dict[str, tuple[str, str]]) -> None:
        table = Table(box=None, pad_edge=False)
        for heading in ("OBJECT", "STATE", ""):
            table.add_column(heading)
        for name, (state, remark) in rows.items():
            color = _COLORS.get(state, "red")
            table.add_row(name, f"[{color}]{state}[/]", f"[bright_black]{remark}[/]")
        self._live.update(table)


@final
class _Lines:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._shown: dict[str, tuple[str, str]] = {}

    def show(self, rows: dict[str, tuple[str, str]]) -> None:
        for name, (state, remark) in rows.items():
            if self._shown.get(name, ("",))[0] != state:
                self._stage.say(f"{state:8} {name} {remark}".rstrip())
        self._shown = dict(rows)
