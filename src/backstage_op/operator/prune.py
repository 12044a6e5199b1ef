"""What an instance controls and no longer wants: nodes that delete it.

The proof is the controller reference with the uid of the resource; the Secret and
the claim of the database have none, and are known by our labels. Every deletion
names the uid of the object. What is exposed goes at once. What pods
may still use goes when the present rollout is complete, so that neither a
change of the workload's kind nor a smaller configuration stops a portal. Data
that are to be retained lose their owner, so that they outlive the resource.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection
from typing import Final, final

import anyio

from backstage_op import api, errors, kube, resources
from backstage_op.document import ObjectRef
from backstage_op.graph import Gate, Need, Node, Outcome

from .live import DirectLive, Live
from .ownership import Bond, bond_of
from .stopping import STOP, is_kept

_log: Final = logging.getLogger(__name__)

_AT_ONCE: Final = frozenset(
    (
        kube.ROUTE,
        kube.INGRESS,
        kube.HTTP_ROUTE,
        kube.NETWORK_POLICY,
        kube.SERVICE_MONITOR,
    )
)
_AFTER_ROLLOUT: Final = (Need(resources.WORKLOAD_KEY, Gate.READY),)


@final
class Pruner:
    """Finds what a resource no longer wants."""

    def __init__(
        self, client: kube.Client, live: Live, backstage: api.Backstage
    ) -> None:
        self._client = client
        self._live = live
        self._backstage = backstage
        self._instance = resources.instance_of(backstage)
        self._retains = resources.retains(backstage)
        self._database = resources.database_ref(self._instance)
        self._password = resources.database_secret_ref(self._instance)
        self._check = anyio.Lock()
        self._is_current: bool | None = None

    async def nodes(self, wanted: Collection[ObjectRef]) -> list[Node]:
        """Return a node for each object to delete, to stop, or to let go.

        Their steps may raise :class:`errors.KubeError`.

        Raises:
            errors.KubeError: the objects could not be listed.
        """
        found = [
            item
            for item in await self._live.owned(self._instance)
            if item.ref not in wanted and not item.deleting
        ]
        nodes = [await self._node(item) for item in found]
        known = {item.ref for item in found}.union(wanted)
        return [
            *(node for node in nodes if node is not None),
            *await self._data_nodes(known),
        ]

    async def _node(self, item: kube.Observed) -> Node | None:
        if not self._retains:
            return self._deletion(item)
        if item.ref == self._database:
            return await self._stop(item)
        is_claim = item.ref.kind == kube.PERSISTENT_VOLUME_CLAIM.kind
        if is_claim or item.ref == self._password:
            return self._release(item)
        return self._deletion(item)

    def _release(self, item: kube.Observed) -> Node:
        return Node(
            key=f"release/{item.ref.kind}/{item.ref.name}",
            step=functools.partial(self._let_go, item),
        )

    def _deletion(self, item: kube.Observed) -> Node:
        at_once = kube.kind_of(item.ref) in _AT_ONCE
        return Node(
            key=f"prune/{item.ref.kind}/{item.ref.name}",
            needs=() if at_once else _AFTER_ROLLOUT,
            step=functools.partial(self._delete, item),
        )

    async def _stop(self, item: kube.Observed) -> Node | None:
        # A list may have brought the metadata alone.
        observed = await self._live.get(item.ref)
        if observed is None or is_kept(observed.document()):
            return None
        return Node(
            key=f"stop/{item.ref.kind}/{item.ref.name}",
            needs=_AFTER_ROLLOUT,
            step=functools.partial(self._scale_down, item),
        )

    async def _data_nodes(self, known: Collection[ObjectRef]) -> list[Node]:
        try:
            found = await self._data()
        except errors.ForbiddenError as error:
            return [Node(key="prune/data", step=functools.partial(_refuse, error))]
        return [self._deletion(item) for item in found if item.ref not in known]

    async def _data(self) -> list[kube.Observed]:
        """Return the password and the claim of a database that is to be deleted.

        They may have no owner reference, or that of the StatefulSet.
        """
        if self._retains or self._backstage.spec.database.enable_local_db:
            return []
        secret = await self._live.get(self._password)
        once = resources.Lifecycle.CREATE_ONCE
        found = [
            item
            for item in (secret,)
            if item is not None
            and not item.deleting
            and bond_of(self._instance, once, item) is Bond.OURS
        ]
        claim = await DirectLive(self._client).get(
            resources.database_claim_ref(self._instance)
        )
        if claim is not None and not claim.deleting and self._is_data(claim):
            found.append(claim)
        return found

    def _is_data(self, claim: kube.Observed) -> bool:
        wanted = resources.database_label(self._instance.name)
        return wanted.items() <= claim.labels.items()

    async def _delete(self, item: kube.Observed) -> Outcome:
        if not await self._is_present():
            return _outdated()
        try:
            await self._client.delete(item.ref, uid=item.uid)
        except errors.ConflictError:
            # Replaced by somebody else's object of that name.
            return Outcome.ok()
        _log.info("deleted %s, which is no longer wanted", item.ref)
        return Outcome.changed()

    async def _let_go(self, item: kube.Observed) -> Outcome:
        observed = await DirectLive(self._client).get(item.ref)
        if observed is None or not await self._is_present():
            return _outdated()
        owners = observed.document()["metadata"].get("ownerReferences") or []
        others = [owner for owner in owners if owner["uid"] != self._instance.uid]
        changes = {"metadata": {"ownerReferences": others or None}}
        document = await self._client.merge(item.ref, changes, uid=item.uid)
        self._live.observe(document)
        _log.info("retained %s, which is no longer wanted", item.ref)
        return Outcome.changed()

    async def _scale_down(self, item: kube.Observed) -> Outcome:
        if not await self._is_present():
            return _outdated()
        self._live.observe(await self._client.merge(item.ref, STOP, uid=item.uid))
        _log.info("stopped %s, and kept its data", item.ref)
        return Outcome.changed()

    async def _is_present(self) -> bool:
        """Tell whether the resource is as it was when this look began.

        What was read from a cache is proof enough to apply, not to delete.
        """
        async with self._check:
            if self._is_current is None:
                metadata = self._backstage.metadata
                ref = kube.BACKSTAGE.ref(metadata.namespace, metadata.name)
                live = await DirectLive(self._client).get(ref)
                self._is_current = (
                    live is not None
                    and not live.deleting
                    and (live.uid, live.generation)
                    == (metadata.uid, metadata.generation)
                )
            return self._is_current


async def _refuse(error: errors.KubeError) -> Outcome:
    raise error


def _outdated() -> Outcome:
    return Outcome.waiting("Outdated", "the resource has changed meanwhile")
