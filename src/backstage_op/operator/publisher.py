"""From what a reconcile found to the status of the resource."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final, final

import anyio
import msgspec

from backstage_op import api, errors, kube, resources

from .findings import Findings, Seen
from .live import Live
from .pods import PodBook
from .references import InstanceKey
from .status import document_of, is_passing, next_status

_log: Final = logging.getLogger(__name__)

PASSING_SECONDS: Final = 10.0
"""How long something new is held back that is about to be outdated."""

_SECRET: Final = "Secret"  # noqa: S105 - a kind


class Published(msgspec.Struct, frozen=True):
    """The resource with the status that it has now.

    ``is_held`` tells that there is something new, which waits for more to come:
    look again.
    """

    backstage: api.Backstage
    is_held: bool = False


@final
class Publisher:
    """Looks at the workloads of an instance, and writes its status."""

    def __init__(self, client: kube.Client, live: Live, pods: PodBook) -> None:
        self._client = client
        self._live = live
        self._pods = pods
        self._held_since: dict[InstanceKey, float] = {}

    async def find(
        self, backstage: api.Backstage, inputs: resources.Inputs | None
    ) -> Findings:
        """Return how the workloads are; ``inputs`` is None if they cannot be read."""
        instance = resources.instance_of(backstage)
        self._pods.follow(instance)
        portal = await self._pods.seen(self._live, resources.workload_ref(backstage))
        database = None
        if backstage.spec.database.enable_local_db:
            ref = resources.database_ref(instance)
            database = await self._pods.seen(self._live, ref)
        hidden = await self._hidden(instance, inputs, portal, database)
        return Findings(
            portal=portal.without(hidden),
            database=database and database.without(hidden),
            is_idled=resources.is_idled(backstage),
        )

    async def publish(self, backstage: api.Backstage, findings: Findings) -> Published:
        """Write the status if it says something new.

        Raises:
            errors.KubeError: it could not be written.
        """
        key = (backstage.metadata.namespace, backstage.metadata.name)
        told = backstage.status
        status = next_status(
            told, backstage.metadata.generation, findings, datetime.now(UTC)
        )
        if status != told and is_passing(told, status, findings):
            now = anyio.current_time()
            if now - self._held_since.setdefault(key, now) < PASSING_SECONDS:
                return Published(backstage, is_held=True)
        self._held_since.pop(key, None)
        if status == told:
            return Published(backstage)
        return Published(await self._write(backstage, status))

    def forget(self, key: InstanceKey) -> None:
        """Know nothing of an instance any more."""
        self._held_since.pop(key, None)

    async def tell_trouble(self, backstage: api.Backstage, error: Exception) -> None:
        """Say what keeps an instance from being reconciled for so long."""
        text = f"unexpected {type(error).__name__}, see the log of the operator"
        if isinstance(error, errors.OperatorError):
            text = str(error)
        found = await self.find(backstage, None)
        await self.publish(backstage, msgspec.structs.replace(found, troubles=(text,)))

    async def _write(
        self, backstage: api.Backstage, status: api.BackstageStatus
    ) -> api.Backstage:
        metadata = backstage.metadata
        try:
            document = await self._client.merge_status(
                kube.BACKSTAGE,
                metadata.namespace,
                metadata.name,
                uid=metadata.uid,
                status=document_of(status),
            )
        except errors.NotFoundError:
            _log.info("deleted before its status could be written")
            return backstage
        self._live.observe(document)
        return api.decode(document)

    async def _hidden(
        self,
        instance: resources.Instance,
        inputs: resources.Inputs | None,
        *seen: Seen | None,
    ) -> frozenset[str] | None:
        """Return the values of Secrets that a container may have written about.

        None if they are not known.
        """
        if not any(ailment.detail for s in seen if s for ailment in s.ailments):
            return frozenset()
        if inputs is None:
            return None
        found = [
            data
            for source, data in inputs.sources.items()
            if source.kind == _SECRET and data is not None
        ]
        try:
            observed = await self._live.get(resources.database_secret_ref(instance))
        except errors.KubeError:
            return None
        if observed is not None:
            found.append(resources.SourceData.of(observed.document()))
        return frozenset(
            value.decode(errors="replace")
            for one in found
            for value in one.data.values()
        )
