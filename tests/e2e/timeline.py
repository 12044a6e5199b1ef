"""A picture of one creation: what was applied when, and when it was ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from backstage_op.document import Document

from .portal import DATABASE, NAME, OBJECT
from .recorder import Change

_WIDTH: Final = 900
_LEFT: Final = 330
_RIGHT: Final = 60
_ROW: Final = 24
_TOP: Final = 62


class Bar(NamedTuple):
    """One object: applied at ``start``, ready at ``end`` (or complete at once)."""

    label: str
    start: float
    end: float | None
    words: str


def bars(changes: Iterable[Change]) -> list[Bar]:
    """Return what one creation was made of, in the order of time.

    Seconds count from the moment at which the resource itself was seen. What the
    user applied before is left out.
    """
    ordered = sorted(changes, key=lambda change: change.at)
    begin = _first(ordered, "Backstage", NAME, lambda _: True)
    assert begin is not None, "the resource was not seen"
    found = []
    for kind, name in _objects(ordered, begin):
        start = _first(ordered, kind, name, lambda _: True)
        is_ready, words = _READY.get(kind, (None, "applied"))
        end = _first(ordered, kind, name, is_ready) if is_ready else None
        if start is not None:
            label = f"{kind} {_short(name)}"
            stop = None if end is None else end - begin
            found.append(Bar(label, start - begin, stop, words))
    return sorted(found, key=lambda bar: bar.start)


def draw(rows: list[Bar], caption: str) -> str:
    """Return the picture as SVG."""
    last = max(max(bar.start, bar.end or 0) for bar in rows)
    scale = (_WIDTH - _LEFT - _RIGHT) / last
    height = _TOP + _ROW * len(rows) + 20
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="Helvetica, Arial, sans-serif" font-size="12">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="15" fill="#1f2328">{escape(caption)}</text>',
        *_axis(last, scale, height),
    ]
    for number, bar in enumerate(rows):
        parts += _row(bar, _TOP + _ROW * number, scale)
    return "\n".join([*parts, "</svg>", ""])


def _axis(last: float, scale: float, height: int) -> Iterable[str]:
    step = next(s for s in (1, 2, 5, 10, 20, 60, 600) if last / s <= 12)
    for second in range(0, int(last) + 1, step):
        x = _LEFT + second * scale
        yield (
            f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - 16}" '
            'stroke="#d8dee4"/>'
        )
        yield (
            f'<text x="{x:.1f}" y="{_TOP - 14}" text-anchor="middle" '
            f'fill="#59636e">{second} s</text>'
        )


def _row(bar: Bar, y: int, scale: float) -> list[str]:
    x = _LEFT + bar.start * scale
    middle = y + _ROW / 2
    parts = [
        (
            f'<text x="{_LEFT - 12}" y="{middle + 4:.1f}" text-anchor="end" '
            f'fill="#1f2328">{escape(bar.label)}</text>'
        )
    ]
    if bar.end is None:
        parts.append(f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="4" fill="#0969da"/>')
        at, words = x, f"{bar.start:.1f} s"
    else:
        width = max((bar.end - bar.start) * scale, 2)
        parts.append(
            f'<rect x="{x:.1f}" y="{y + 5}" width="{width:.1f}" height="{_ROW - 10}" '
            'rx="3" fill="#1a7f37"/>'
        )
        at, words = x + width, f"{bar.words} {bar.end:.1f} s"
    # To the left of the end where there is no room to the right of it.
    anchor, color, dx = "start", "#59636e", 8
    if at > _WIDTH - 150 and bar.end is not None:
        anchor, color, dx = "end", "#ffffff", -8
    parts.append(
        f'<text x="{at + dx:.1f}" y="{middle + 4:.1f}" text-anchor="{anchor}" '
        f'fill="{color}">{escape(words)}</text>'
    )
    return parts


def _objects(changes: list[Change], begin: float) -> list[tuple[str, str]]:
    """Return what appeared since, and bears a name that the operator gives."""
    made: dict[tuple[str, str], None] = {}
    for change in changes:
        is_new = change.at >= begin and change.type == "ADDED"
        if is_new and (change.kind == "Backstage" or "backstage-" in change.name):
            made[change.kind, change.name] = None
    return list(made)


def _first(
    changes: list[Change], kind: str, name: str, is_so: Callable[[Document], bool]
) -> float | None:
    for change in changes:
        if (change.kind, change.name) == (kind, name) and is_so(change.document):
            return change.at
    return None


def _short(name: str) -> str:
    """Return a pod's name without what its ReplicaSet appended."""
    return f"{OBJECT}-…" if name.startswith(f"{OBJECT}-") else name


def _condition(type_: str) -> Callable[[Document], bool]:
    def is_true(document: Document) -> bool:
        conditions = (document.get("status") or {}).get("conditions") or ()
        return any(c["type"] == type_ and c["status"] == "True" for c in conditions)

    return is_true


is_deployed: Final = _condition("Deployed")


def _is_bound(document: Document) -> bool:
    return bool((document.get("status") or {}).get("phase") == "Bound")


def _has_ready_replica(document: Document) -> bool:
    return bool((document.get("status") or {}).get("readyReplicas"))


_READY: Final[dict[str, tuple[Callable[[Document], bool], str]]] = {
    "Backstage": (is_deployed, "Deployed"),
    "Deployment": (_condition("Available"), "available"),
    "PersistentVolumeClaim": (_is_bound, "bound"),
    "Pod": (_condition("Ready"), "ready"),
    "StatefulSet": (_has_ready_replica, "ready"),
}
"""When an object of a kind is ready, and the word for it."""

DATABASE_LABEL: Final = f"StatefulSet {DATABASE}"
PORTAL_LABEL: Final = f"Deployment {OBJECT}"
RESOURCE_LABEL: Final = f"Backstage {NAME}"
