"""What was measured, as a table for people or as JSON for programs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterator, Sequence

import msgspec

_HEADERS = ("measured", "median", "lowest", "highest", "n")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured quantity; ``unit`` is s, ms, MiB, x (a ratio) or empty."""

    name: str
    unit: str
    median: float
    lowest: float
    highest: float
    samples: int

    @classmethod
    def of(cls, name: str, unit: str, values: Sequence[float]) -> Figure:
        """Return the figure of some values; there is at least one."""
        return cls(
            name=name,
            unit=unit,
            median=statistics.median(values),
            lowest=min(values),
            highest=max(values),
            samples=len(values),
        )


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured. ``load`` is the load average before the start."""

    cores: int
    system: str
    python: str
    kubernetes: str
    version: str
    load: float

    @classmethod
    def here(cls, *, kubernetes: str, load: float) -> Machine:
        """Return the facts of this machine."""
        return cls(
            cores=os.cpu_count() or 0,
            system=f"{platform.system()} {platform.machine()}",
            python=platform.python_version(),
            kubernetes=kubernetes,
            version=importlib.metadata.version("backstage-op"),
            load=load,
        )


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the benchmark."""

    machine: Machine
    figures: tuple[Figure, ...]

    def json(self) -> str:
        """Return everything, for programs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    def table(self) -> str:
        """Return everything, for people; a Markdown table under one line of facts."""
        m = self.machine
        facts = (
            f"backstage-op {m.version}, Python {m.python}, Kubernetes {m.kubernetes}, "
            f"{m.system}, {m.cores} cores, load {m.load:.1f} before the start"
        )
        rows = [_HEADERS, *(tuple(_cells(figure)) for figure in self.figures)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [_line(row, widths) for row in rows]
        rule = "|" + "|".join(
            "-" * (width + 1) + ("-" if index == 0 else ":")
            for index, width in enumerate(widths)
        )
        return "\n".join([facts, "", lines[0], f"{rule}|", *lines[1:]])


def _cells(figure: Figure) -> Iterator[str]:
    yield figure.name
    yield _text(figure.median, figure.unit)
    for value in (figure.lowest, figure.highest):
        yield _text(value, figure.unit) if figure.samples > 1 else ""
    yield str(figure.samples)


def _text(value: float, unit: str) -> str:
    match unit:
        case "s":
            return f"{value:.3f} s"
        case "ms":
            return f"{value:.1f} ms"
        case "x":
            return f"{value:.2f} x"
        case "MiB":
            return f"{value:.0f} MiB"
        case _:
            return f"{value:g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    cells = [first[0].ljust(first[1])]
    cells += [text.rjust(width) for text, width in others]
    return f"| {' | '.join(cells)} |"
