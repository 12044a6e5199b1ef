"""What a watch has shown, by identity; never older than what was shown before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias, final

from backstage_op.document import ObjectRef

from .observed import Observed

OnChange: TypeAlias = Callable[[Observed | None, Observed | None], None]
"""Called with the object before and after; None where there is none."""


_MOST_GONE: Final = 1000
"""Deletions that are remembered, so that a late answer brings nothing back."""


@final
class Cache:
    """Objects of one kind.

    ``keep`` decides, as an object arrives, whether it is held; what is not
    kept costs nothing. ``on_change`` is told every change that the watch shows
    of an object that is kept; it may be set later, before the watch starts.

    Not thread-safe: all methods are called from one event loop.
    """

    def __init__(
        self,
        *,
        keep: Callable[[Observed], bool] | None = None,
        on_change: OnChange = lambda _old, _new: None,
    ) -> None:
        self._is_whole = keep is None
        self._keep = keep or (lambda _: True)
        self.on_change = on_change
        self._objects: dict[ObjectRef, Observed] = {}
        self._controlled: dict[str, set[ObjectRef]] = {}
        self._gone: dict[ObjectRef, int] = {}
        self._listed: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Observed]:
        return iter(list(self._objects.values()))

    def keeps(self, item: Observed) -> bool:
        """Tell whether an object is held when it arrives."""
        return self._keep(item)

    def get(self, ref: ObjectRef) -> Observed | None:
        """Return what was last shown of an object."""
        return self._objects.get(ref)

    def controlled_by(self, uid: str) -> list[Observed]:
        """Return the objects whose controller has the uid, sorted by identity."""
        return [self._objects[ref] for ref in sorted(self._controlled.get(uid, ()))]

    def replace(
        self, items: Iterable[Observed], version: int, namespace: str = ""
    ) -> None:
        """Take a whole list as of a version: what is not in it is gone.

        With a namespace, the list is that of this namespace only. What was
        observed after that version stays: the watch will tell.
        """
        if self._is_whole:
            # Of a part, what is not held now may have been in the list all the same.
            self._listed[namespace] = version
        kept = {item.ref: item for item in items if self._keep(item)}
        for ref, old in list(self._objects.items()):
            is_listed = not namespace or ref.namespace == namespace
            if is_listed and ref not in kept and old.resource_version <= version:
                self._drop(ref)
                self.on_change(old, None)
        for item in kept.values():
            self._take(item)

    def upsert(self, item: Observed) -> None:
        """Take an object that was added or changed."""
        if self._keep(item):
            self._take(item)
        else:
            # It may have been of interest before: what is held is out of date now.
            self._drop(item.ref)

    def remove(self, item: Observed) -> None:
        """Drop an object that was deleted; ``item`` is its last state."""
        old = self._objects.get(item.ref)
        if old is not None and _is_newer(old, item):
            return
        self._gone[item.ref] = item.resource_version
        if len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
        if old is not None or self._keep(item):
            self._drop(item.ref)
            self.on_change(old or item, None)

    def observe(self, item: Observed) -> None:
        """Take what the API server answered, without calling ``on_change``.

        The next reconcile then sees its own writes, and the watch's echo of
        them is no news.
        """
        old = self._objects.get(item.ref)
        if old is not None:
            is_news = _is_newer(item, old)
        else:
            # What is older than the list and was not in it, is gone.
            is_news = item.resource_version > max(
                self._listed.get("", -1),
                self._listed.get(item.ref.namespace, -1),
                self._gone.get(item.ref, -1),
            )
        if is_news and self._keep(item):
            self._store(item)

    def _take(self, item: Observed) -> None:
        old = self._objects.get(item.ref)
        if old is not None and not _is_newer(item, old):
            return
        self._store(item)
        self.on_change(old, item)

    def _store(self, item: Observed) -> None:
        self._drop(item.ref)
        self._objects[item.ref] = item
        if (controller := item.controller()) is not None:
            self._controlled.setdefault(controller.uid, set()).add(item.ref)

    def _drop(self, ref: ObjectRef) -> None:
        old = self._objects.pop(ref, None)
        controller = None if old is None else old.controller()
        if controller is not None:
            refs = self._controlled[controller.uid]
            refs.discard(ref)
            if not refs:
                del self._controlled[controller.uid]


def _is_newer(item: Observed, old: Observed) -> bool:
    return item.resource_version > old.resource_version
