"""The objects of users that a resource names: read by name.

One that is absent, or must not be read, is a finding; all of them are found in
one go.
"""

from __future__ import annotations

from typing import Final, final

import anyio

from backstage_op import errors, kube, resources
from backstage_op.document import Document, ObjectRef

from .memory import Memory

SOURCE_KINDS: Final = {"ConfigMap": kube.CONFIG_MAP, "Secret": kube.SECRET}


@final
class Reading:
    """What the references of one resource lead to.

    ``sources`` holds None for what is absent. What ``memory`` recalls is not read
    again.
    """

    def __init__(self, client: kube.Client, namespace: str, memory: Memory) -> None:
        self._client = client
        self._namespace = namespace
        self._memory = memory
        self._denied: dict[ObjectRef, errors.ForbiddenError] = {}
        self.sources: dict[resources.Source, resources.SourceData | None] = {}
        self.claims: set[str] = set()

    @property
    def denied(self) -> tuple[errors.ForbiddenError, ...]:
        """What the operator has no right to read, sorted by identity."""
        return tuple(self._denied[ref] for ref in sorted(self._denied))

    @property
    def unread(self) -> frozenset[resources.Source]:
        """The sources among what is denied."""
        return frozenset(
            source for source in self.sources if self._ref_of(source) in self._denied
        )

    async def read(self, wanted: resources.References) -> None:
        """Read everything that is referred to.

        Raises:
            errors.KubeError: the API server did not answer as hoped.
        """
        self.sources = dict.fromkeys(wanted.sources)
        try:
            async with anyio.create_task_group() as tasks:
                for source in wanted.sources:
                    tasks.start_soon(self._source, source, name=f"read {source}")
                for name in wanted.claims:
                    tasks.start_soon(self._claim, name, name=f"read claim {name}")
        except* errors.KubeError as group:
            raise _first(group) from None

    def _ref_of(self, source: resources.Source) -> ObjectRef:
        return SOURCE_KINDS[source.kind].ref(self._namespace, source.name)

    async def _source(self, source: resources.Source) -> None:
        document = await self._object(self._ref_of(source))
        if document is not None:
            self.sources[source] = resources.SourceData.of(document)

    async def _claim(self, name: str) -> None:
        ref = kube.PERSISTENT_VOLUME_CLAIM.ref(self._namespace, name)
        if await self._object(ref) is not None:
            self.claims.add(name)

    async def _object(self, ref: ObjectRef) -> Document | None:
        if (known := self._memory.recall(ref)) is not None:
            return known
        try:
            document = await self._client.get(
                kube.kind_of(ref), ref.namespace, ref.name
            )
        except errors.NotFoundError:
            return None
        except errors.ForbiddenError as error:
            self._denied[ref] = error
            return None
        self._memory.keep(document)
        return document


def _first(group: BaseExceptionGroup[errors.KubeError]) -> errors.KubeError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, errors.KubeError)  # noqa: S101 - selected by except*
    return error
