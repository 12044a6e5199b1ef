"""Where a reconcile reads the objects of an instance from.

A single walk reads them from the API server; the operator reads them from its
caches, and writes through what the API server answered, so that the next
reconcile never judges an older state than the one it made itself.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Protocol, final

from backstage_op import errors, kube, resources
from backstage_op.document import Document, ObjectRef


class Live(Protocol):
    """Objects as the API server has them."""

    async def get(self, ref: ObjectRef) -> kube.Observed | None:
        """Return the object, or None if there is none.

        Raises:
            errors.KubeError: the API server did not answer as hoped.
        """

    async def owned(self, instance: resources.Instance) -> list[kube.Observed]:
        """Return the objects that the instance controls, in a fixed order.

        Kinds that cannot be listed, for want of a right or of their API, are
        left out.

        Raises:
            errors.KubeError: the API server did not answer as hoped.
        """

    def observe(self, document: Document) -> None:
        """Take notice of what the API server just answered."""


@final
class DirectLive:
    """Reads each object from the API server."""

    def __init__(self, client: kube.Client) -> None:
        self._client = client

    async def get(self, ref: ObjectRef) -> kube.Observed | None:
        """Return the object, or None if there is none."""
        kind = await self._client.kind_of(ref)
        try:
            document = await self._client.get(kind, ref.namespace, ref.name)
        except errors.NotFoundError:
            return None
        return kube.Observed.of(document)

    async def owned(self, instance: resources.Instance) -> list[kube.Observed]:
        """List the objects that the instance controls."""
        found: list[kube.Observed] = []
        for kind in kube.OWNED:
            try:
                items = await self._client.list_metadata(
                    kind, instance.namespace, resources.OWNED_SELECTOR
                )
            except (errors.NotFoundError, errors.ForbiddenError):
                continue
            found += [item for item in items if _is_controlled(item, instance)]
        return sorted(found, key=lambda item: item.ref)

    def observe(self, document: Document) -> None:
        """Do nothing: the next read asks again."""


@final
class CachedLive:
    """Reads from caches that watches keep up to date, one for each kind.

    A kind in ``unwatched`` is read from the API server: its cache is not
    filled yet, or never will be because the right to list is missing. So is a
    kind without a cache, of which there are few objects.
    """

    def __init__(
        self,
        client: kube.Client,
        caches: Mapping[kube.ResourceKind, kube.Cache],
        unwatched: Container[kube.ResourceKind] = (),
    ) -> None:
        self._direct = DirectLive(client)
        self._caches = caches
        self._unwatched = unwatched

    async def get(self, ref: ObjectRef) -> kube.Observed | None:
        """Return the object, or None if there is none."""
        kind = kube.find_kind(ref)
        cache = None if kind is None else self._caches.get(kind)
        if cache is None or kind in self._unwatched:
            return await self._direct.get(ref)
        return cache.get(ref)

    async def owned(self, instance: resources.Instance) -> list[kube.Observed]:
        """Return the objects that the instance controls."""
        return [
            item
            for kind, cache in self._caches.items()
            if kind not in self._unwatched
            for item in cache.controlled_by(instance.uid)
        ]

    def observe(self, document: Document) -> None:
        """Keep it, unless the watch has brought something newer."""
        observed = kube.Observed.of(document)
        kind = kube.find_kind(observed.ref)
        if kind is None or kind not in self._caches:
            return
        if kind is kube.BACKSTAGE:
            # Only its status is ours: the answer may hold an edit that the watch
            # has not shown yet, and then shows too late to be news.
            self._caches[kind].upsert(observed)
        else:
            self._caches[kind].observe(observed)


def _is_controlled(item: kube.Observed, instance: resources.Instance) -> bool:
    controller = item.controller()
    return controller is not None and controller.uid == instance.uid
