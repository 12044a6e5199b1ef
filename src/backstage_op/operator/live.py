"""Where a reconcile reads the objects of an instance from.

A single walk reads them from the API server; the operator reads them from its
caches, and writes through what the API server answered, so that the next
reconcile never judges an older state than the one it made itself.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Protocol, final

from backstage_op import errors, kube
from backstage_op.document import Document, ObjectRef


class Live(Protocol):
    """Objects as the API server has them."""

    async def get(self, ref: ObjectRef) -> kube.Observed | None:
        """Return the object, or None if there is none.

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
        try:
            document = await self._client.get(
                kube.kind_of(ref), ref.namespace, ref.name
            )
        except errors.NotFoundError:
            return None
        return kube.Observed.of(document)

    def observe(self, document: Document) -> None:
        """Do nothing: the next read asks again."""


@final
class CachedLive:
    """Reads from caches that watches keep up to date, one for each kind.

    A kind in ``unwatched`` is read from the API server: its cache is not
    filled yet, or never will be because the right to list is missing.
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
        kind = kube.kind_of(ref)
        if kind in self._unwatched:
            return await self._direct.get(ref)
        return self._caches[kind].get(ref)

    def observe(self, document: Document) -> None:
        """Keep it, unless the watch has brought something newer."""
        observed = kube.Observed.of(document)
        self._caches[kube.kind_of(observed.ref)].observe(document)
