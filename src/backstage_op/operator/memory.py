"""What the objects of users held when they were last read.

Most looks at an instance are not for the sake of these objects. As long as the
watch of their metadata shows the version that was read, nobody has to ask again.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final, Protocol, final

import msgspec

from backstage_op import kube
from backstage_op.document import Document, ObjectRef

from .references import ReferenceIndex

_MOST_BYTES: Final = 4 * 1024 * 1024


class Memory(Protocol):
    """Objects of users that were read before."""

    def recall(self, ref: ObjectRef) -> Document | None:
        """Return an object if it is certain to be as it was read, else None."""

    def keep(self, document: Document) -> None:
        """Take an object that was just read."""


@final
class NoMemory:
    """Knows nothing: each object is read each time."""

    def recall(self, ref: ObjectRef) -> Document | None:
        """Return None."""

    def keep(self, document: Document) -> None:
        """Forget it."""


@final
class WatchedMemory:
    """Keeps up to 4 MiB of objects, those that were read last.

    ``caches`` are told of each object that is read, so that the watches know
    where they start from; what they show then decides whether an object is still
    the same. ``index`` tells who else refers to it. A kind in ``unwatched`` is
    never recalled.
    """

    def __init__(
        self,
        caches: Mapping[kube.ResourceKind, kube.Cache],
        index: ReferenceIndex,
        unwatched: Container[kube.ResourceKind],
    ) -> None:
        self._caches = caches
        self._index = index
        self._unwatched = unwatched
        self._kept: dict[ObjectRef, kube.Observed] = {}
        self._bytes = 0

    def recall(self, ref: ObjectRef) -> Document | None:
        """Return an object if its watch shows the version that was read."""
        kind = kube.kind_of(ref)
        kept, shown = self._kept.get(ref), self._caches[kind].get(ref)
        if kept is None or shown is None or kind in self._unwatched:
            return None
        if (kept.uid, kept.resource_version) != (shown.uid, shown.resource_version):
            return None
        return kept.document()

    def keep(self, document: Document) -> None:
        """Take an object that was just read."""
        item = kube.Observed.of(document)
        # The limit is for what is kept here; a watch knows metadata only.
        shown = msgspec.structs.replace(item, body=b"")
        cache = self._caches[kube.kind_of(item.ref)]
        is_shared = len(self._index.instances_of(item.ref)) > 1
        if cache.get(item.ref) is None and not is_shared:
            cache.observe(shown)
        else:
            # Newer than what the others have seen, perhaps; the watch's own word
            # comes too late to be news.
            cache.upsert(shown)
        self._forget(item.ref)
        self._kept[item.ref] = item
        self._bytes += len(item.body)
        while self._bytes > _MOST_BYTES:
            self._forget(next(iter(self._kept)))

    def _forget(self, ref: ObjectRef) -> None:
        old = self._kept.pop(ref, None)
        if old is not None:
            self._bytes -= len(old.body)
