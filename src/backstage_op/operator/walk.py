"""The objects of one instance as nodes of a graph: each is created, applied or left.

Here meet what objects should be (``resources``), how they are written (``kube``)
and when (``graph``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final, TypeAlias, final

import msgspec

from backstage_op import api, errors, kube, resources
from backstage_op.document import Document, ObjectRef, ref_of
from backstage_op.graph import Node, Outcome, Plan

from .database import DatabaseGuard
from .live import DirectLive, Live
from .mending import mended
from .ownership import Bond, bond_of
from .refusals import NAMESPACE_TERMINATING, is_end_of_namespace, reason_of
from .replace import Replacer, is_immutable
from .settled import Settled
from .stopping import START, is_stopped

CLUSTER_SCOPED: Final = "ClusterScoped"
"""Reason of a node that would be an object of the whole cluster."""

CREATED: Final = "Created"
"""Reason of a node that is ready, and was not there before."""
FILLED: Final = "Filled"
"""Reason of a node that is ready, and lacked values that cannot be computed."""
_APPLIED: Final = "Applied"
_MENDED: Final = "Mended"

_log: Final = logging.getLogger(__name__)

OnEvent: TypeAlias = Callable[[str, str], None]
"""Called with a reason and a message."""


class Retry(StrEnum):
    """Whether an instance has to be looked at again without a new event."""

    NO = "no"
    """A watched object will change first."""
    BACKOFF = "backoff"
    """Something transient went wrong."""
    SOON = "soon"
    """Something new is held back for a moment, in case that more is about to come."""
    LATER = "later"
    """What has to change, such as a right or an object of others, is not watched."""


@final
class Walk:
    """The objects of one instance as nodes, and what went wrong with them.

    ``settled`` is what earlier walks found. ``on_event`` is told a reason and a
    message of what a person would want to know later.
    """

    def __init__(
        self,
        client: kube.Client,
        live: Live,
        inputs: resources.Inputs,
        composition: resources.Composition,
        *,
        settled: Settled,
        on_event: OnEvent = lambda _reason, _message: None,
    ) -> None:
        self._client = client
        self._live = live
        self._instance = resources.instance_of(inputs.backstage)
        self._composition = composition
        self._withheld = inputs.withheld
        self._settled = settled
        self._guard = DatabaseGuard(
            client, live, self._instance, has_portal=inputs.workload_exists
        )
        self._replacer = Replacer(client, live)
        self._on_event = on_event
        self._errors: list[errors.KubeError] = []
        self._is_stuck = False

    def plan(self, removals: Iterable[Node] = ()) -> Plan:
        """Return the graph of the instance's objects, and of what is removed."""
        return Plan(
            [
                *(self._node(item) for item in self._composition.objects),
                *(self._removal(node) for node in removals),
            ]
        )

    def retry(self) -> Retry:
        """Tell whether what went wrong is worth another try, and when."""
        if any(isinstance(error, errors.TransientError) for error in self._errors):
            return Retry.BACKOFF
        # A right, a quota or a policy may change, and no watch shows it.
        return Retry.LATER if self._errors or self._is_stuck else Retry.NO

    def retry_after_seconds(self) -> float:
        """Return how long the server wishes to be left alone; 0 if it said nothing."""
        transient = [e for e in self._errors if isinstance(e, errors.TransientError)]
        return max((e.retry_after_seconds or 0.0 for e in transient), default=0.0)

    def _node(self, runtime_object: resources.RuntimeObject) -> Node:
        async def step() -> Outcome:
            if (denial := self._withheld.get(runtime_object.ref)) is not None:
                return self._denied(denial)
            try:
                refusal = await self._refusal(runtime_object.ref)
                return refusal or await self._converge(runtime_object)
            except errors.NotFoundError as error:
                return self._unserved(runtime_object, error)
            except errors.KubeError as error:
                return self._failed(error, reason_of(error))

        return Node(key=runtime_object.key, needs=runtime_object.needs, step=step)

    def _removal(self, node: Node) -> Node:
        async def step() -> Outcome:
            try:
                return await node.step()
            except errors.KubeError as error:
                self._is_stuck = True
                return self._failed(error, api.Reason.DELETION_FAILED)

        return msgspec.structs.replace(node, step=step)

    def _denied(self, error: errors.ForbiddenError) -> Outcome:
        """Leave what could not be read beforehand, and so was computed wrongly."""
        self._errors.append(error)
        remedy = f"give the operator the right to {error.verb} it"
        return Outcome.failed(api.Reason.FORBIDDEN, f"{error}; {remedy}")

    def _failed(self, error: errors.KubeError, reason: str) -> Outcome:
        if is_end_of_namespace(error):
            # Whatever is tried again here would be refused again.
            return Outcome.waiting(NAMESPACE_TERMINATING, str(error))
        self._errors.append(error)
        return Outcome.failed(reason, str(error))

    def _unserved(
        self, runtime_object: resources.RuntimeObject, error: errors.NotFoundError
    ) -> Outcome:
        """Tell of an API, or a namespace, that is not there; nothing else waits."""
        self._is_stuck = True
        self._client.forget_kind(runtime_object.ref)
        if error.reason == kube.KIND_NOT_SERVED:
            return Outcome.waiting(api.Reason.DEPENDENCY_MISSING, str(error))
        return Outcome.failed(error.reason, str(error))

    async def _refusal(self, ref: ObjectRef) -> Outcome | None:
        kind = await self._client.kind_of(ref)
        if kind.namespaced:
            return None
        # What belongs to all must not come and go with one instance.
        return Outcome.failed(
            CLUSTER_SCOPED,
            f"{ref.kind} {ref.name} belongs to the whole cluster; create it as an "
            "administrator, and remove it from plugin-deps",
        )

    async def _converge(self, runtime_object: resources.RuntimeObject) -> Outcome:
        ref = runtime_object.ref
        desired = self._composition.documents[runtime_object.key]
        observed = await self._live.get(ref)
        if observed is None:
            try:
                return await self._create(runtime_object, desired)
            except errors.ConflictError:
                # It is there all the same: the cache is late, or it carries
                # none of our labels and the watch does not show it.
                observed = await DirectLive(self._client).get(ref)
                if observed is None:
                    raise
        if observed.deleting:
            return Outcome.waiting("Deleting", f"{ref} is being deleted")
        match bond_of(self._instance, runtime_object.lifecycle, observed):
            case Bond.OURS:
                return await self._update(runtime_object, desired, observed)
            case Bond.PREVIOUS:
                return Outcome.waiting(
                    "Deleting", f"{ref} belongs to a deleted {api.KIND} of this name"
                )
            case Bond.FOREIGN:
                self._is_stuck = True
                return Outcome.failed(
                    api.Reason.OWNERSHIP_CONFLICT,
                    f"{ref} exists and belongs to somebody else; "
                    f"delete or rename it, or rename the {api.KIND}",
                )

    async def _create(
        self, runtime_object: resources.RuntimeObject, desired: Document
    ) -> Outcome:
        objection = await self._guard.objection(runtime_object.key, desired, None)
        if objection is not None:
            return self._stuck(objection)
        if runtime_object.lifecycle is resources.Lifecycle.CREATE_ONCE:
            live = await self._client.create(desired)
        else:
            live = await self._client.apply(desired, create_only=True)
        return self._written(runtime_object, live, CREATED)

    async def _update(
        self,
        runtime_object: resources.RuntimeObject,
        desired: Document,
        observed: kube.Observed,
    ) -> Outcome:
        objection = await self._guard.objection(runtime_object.key, desired, observed)
        if objection is not None:
            return self._stuck(objection)
        if (known := self._settled.get(desired, observed)) is not None:
            return known
        if runtime_object.lifecycle is resources.Lifecycle.CREATE_ONCE:
            return await self._mend(runtime_object, desired, observed)
        live = observed.document()
        if is_stopped(desired, live):
            live = await self._client.merge(observed.ref, START, uid=observed.uid)
            self._live.observe(live)
            observed = kube.Observed.of(live)
        return await self._apply(runtime_object, desired, live, observed)

    async def _apply(
        self,
        runtime_object: resources.RuntimeObject,
        desired: Document,
        live: Document,
        observed: kube.Observed,
    ) -> Outcome:
        if kube.is_applied(desired, live, kube.FIELD_MANAGER):
            outcome = _judge(runtime_object, live)
            return self._settled.put(desired, observed, outcome)
        try:
            changed = await self._client.apply(desired, uid=observed.uid)
        except errors.RejectedError as error:
            if not is_immutable(error, desired, live):
                raise
            return await self._replace(desired, live, error)
        before, after = live["metadata"], changed["metadata"]
        if before["resourceVersion"] == after["resourceVersion"]:
            # Somebody, such as a webhook, puts a field of ours back with each write.
            outcome = _judge(runtime_object, changed)
            return self._settled.put(desired, observed, outcome)
        return self._written(runtime_object, changed, _APPLIED)

    async def _mend(
        self,
        runtime_object: resources.RuntimeObject,
        desired: Document,
        observed: kube.Observed,
    ) -> Outcome:
        live = observed.document()
        changes = mended(desired, live, self._instance.uid)
        if not changes:
            outcome = _judge(runtime_object, live)
            return self._settled.put(desired, observed, outcome)
        live = await self._client.merge(observed.ref, changes, uid=observed.uid)
        how = FILLED if "data" in changes else _MENDED
        return self._written(runtime_object, live, how)

    async def _replace(
        self, desired: Document, live: Document, error: errors.RejectedError
    ) -> Outcome:
        outcome, is_begun = await self._replacer.replace(desired, live, error)
        if is_begun:
            message = f"{ref_of(desired)} is made anew: {error.detail}"
            _log.info("%s", message)
            self._on_event("Replaced", message)
        else:
            self._on_event(outcome.reason, outcome.message)
        return outcome

    def _stuck(self, objection: Outcome) -> Outcome:
        self._is_stuck = True
        return objection

    def _written(
        self, runtime_object: resources.RuntimeObject, live: Document, how: str
    ) -> Outcome:
        self._live.observe(live)
        _log.info("%s %s", how.lower(), runtime_object.ref)
        readiness = runtime_object.ready(live)
        return Outcome.changed(
            ready=readiness.ready,
            reason=readiness.reason or how,
            message=readiness.message,
        )


def _judge(runtime_object: resources.RuntimeObject, live: Document) -> Outcome:
    """Return the outcome for an object that was left as it is."""
    readiness = runtime_object.ready(live)
    if readiness.ready:
        return Outcome.ok()
    return Outcome.waiting(readiness.reason, readiness.message)
