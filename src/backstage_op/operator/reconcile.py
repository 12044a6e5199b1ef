"""One instance: gather → desired → walk → status.

The only module that knows what objects should be (``resources``), how they
are written (``kube``) and when (``graph``).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, final

import anyio.to_thread
import msgspec

from backstage_op import api, errors, kube, resources
from backstage_op.document import Document
from backstage_op.graph import Node, OnOutcome, Outcome, Plan, Report, Runner

from .gather import Environment, Gatherer
from .live import DirectLive, Live
from .status import OWNERSHIP_CONFLICT, Findings, next_status

_log: Final = logging.getLogger(__name__)


class Retry(StrEnum):
    """Whether an instance has to be looked at again without a new event."""

    NO = "no"
    """A watched object will change first."""
    BACKOFF = "backoff"
    """Something transient went wrong."""
    LATER = "later"
    """What has to change, such as a right or an object of others, is not watched."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How one reconcile ended.

    Attributes:
        backstage: The resource with the status that was published.
        faults: What the user must change. Nothing was applied if there are any.
        report: How each object ended; absent when there was no walk.
        retry: Whether to look again without a new event.
    """

    backstage: api.Backstage
    faults: tuple[errors.ConfigError, ...] = ()
    report: Report | None = None
    retry: Retry = Retry.NO


@final
class Reconciler:
    """Brings instances to what their resources ask for.

    It keeps no state between calls. Two calls for the same resource must not
    run at the same time; calls for different resources may.
    """

    def __init__(
        self,
        client: kube.Client,
        environment: Environment,
        *,
        live: Live | None = None,
        on_outcome: OnOutcome | None = None,
        on_source: Callable[[Document], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._live = live or DirectLive(client)
        self._gatherer = Gatherer(client, self._live, environment, on_source)
        self._runner = Runner(on_outcome=on_outcome)

    async def reconcile(self, backstage: api.Backstage) -> Result:
        """Apply what the resource asks for, as far as it can be, and publish it.

        Raises:
            errors.TransientError: the API server could not be read, or the
                status could not be written.
        """
        try:
            inputs = await self._gatherer.gather(backstage)
        except (errors.ForbiddenError, errors.RejectedError) as error:
            findings = msgspec.structs.replace(_findings(backstage), denied=(error,))
            published = await self._publish(backstage, findings)
            return Result(backstage=published, retry=Retry.LATER)
        # In a thread: a large manifest must not hold up the other instances.
        composition = await anyio.to_thread.run_sync(resources.compose, inputs)
        if composition.faults:
            findings = msgspec.structs.replace(
                _findings(backstage), faults=composition.faults
            )
            published = await self._publish(backstage, findings)
            return Result(backstage=published, faults=composition.faults)
        walk = _Walk(self._client, self._live, inputs, composition)
        report = await self._runner.walk(walk.plan())
        retry = walk.retry()
        if retry is Retry.BACKOFF:
            # The next try decides: a status that flips with every hiccup of
            # the API server tells nobody anything.
            return Result(backstage=backstage, report=report, retry=retry)
        findings = msgspec.structs.replace(_findings(backstage), report=report)
        published = await self._publish(backstage, findings)
        return Result(backstage=published, report=report, retry=retry)

    async def _publish(
        self, backstage: api.Backstage, findings: Findings
    ) -> api.Backstage:
        """Write the status if it says something new."""
        status = next_status(
            backstage.status,
            backstage.metadata.generation,
            findings,
            datetime.now(UTC),
        )
        if status == backstage.status:
            return backstage
        metadata = backstage.metadata
        try:
            document = await self._client.apply_status(
                kube.BACKSTAGE,
                metadata.namespace,
                metadata.name,
                uid=metadata.uid,
                status=msgspec.to_builtins(status),
            )
        except errors.NotFoundError:
            _log.info("deleted before its status could be written")
            return backstage
        self._live.observe(document)
        return api.decode(document)


def _findings(backstage: api.Backstage) -> Findings:
    ref = resources.workload_ref(resources.instance_of(backstage))
    return Findings(
        workload=resources.WORKLOAD_KEY,
        workload_name=f"{ref.kind} {ref.name}",
        is_idled=resources.is_idled(backstage),
    )


@final
class _Walk:
    """The objects of one instance as nodes, and what went wrong with them."""

    def __init__(
        self,
        client: kube.Client,
        live: Live,
        inputs: resources.Inputs,
        composition: resources.Composition,
    ) -> None:
        self._client = client
        self._live = live
        self._instance = resources.instance_of(inputs.backstage)
        self._composition = composition
        self._errors: list[errors.KubeError] = []
        self._is_in_conflict = False

    def plan(self) -> Plan:
        """Return the graph of the instance's objects."""
        return Plan(
            Node(
                key=runtime_object.key,
                needs=runtime_object.needs,
                step=functools.partial(self._step, runtime_object),
            )
            for runtime_object in self._composition.objects
        )

    def retry(self) -> Retry:
        """Tell whether what went wrong is worth another try, and when."""
        if any(isinstance(error, errors.TransientError) for error in self._errors):
            return Retry.BACKOFF
        is_denied = any(isinstance(e, errors.ForbiddenError) for e in self._errors)
        return Retry.LATER if is_denied or self._is_in_conflict else Retry.NO

    async def _step(self, runtime_object: resources.RuntimeObject) -> Outcome:
        try:
            return await self._converge(runtime_object)
        except errors.KubeError as error:
            self._errors.append(error)
            return Outcome.failed(error.reason, str(error))

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
        if not self._is_ours(runtime_object, observed):
            self._is_in_conflict = True
            return Outcome.failed(
                OWNERSHIP_CONFLICT,
                f"{ref} exists and belongs to somebody else; "
                "delete or rename it, or rename the Backstage",
            )
        live = observed.document()
        if runtime_object.lifecycle is resources.Lifecycle.CREATE_ONCE or (
            kube.is_applied(desired, live, kube.FIELD_MANAGER)
        ):
            return _judge(runtime_object, live, is_changed=False)
        live = await self._client.apply(desired, uid=observed.uid)
        return self._written(runtime_object, live, "applied")

    async def _create(
        self, runtime_object: resources.RuntimeObject, desired: Document
    ) -> Outcome:
        if runtime_object.lifecycle is resources.Lifecycle.CREATE_ONCE:
            live = await self._client.create(desired)
        else:
            live = await self._client.apply(desired, create_only=True)
        return self._written(runtime_object, live, "created")

    def _written(
        self, runtime_object: resources.RuntimeObject, live: Document, what: str
    ) -> Outcome:
        self._live.observe(live)
        _log.info("%s %s", what, runtime_object.ref)
        return _judge(runtime_object, live, is_changed=True)

    def _is_ours(
        self, runtime_object: resources.RuntimeObject, observed: kube.Observed
    ) -> bool:
        if runtime_object.lifecycle is resources.Lifecycle.CREATE_ONCE:
            return resources.carries_labels_of(self._instance, observed.labels)
        controller = observed.controller()
        if controller is not None:
            return controller.uid == self._instance.uid
        # Somebody removed the owner reference; what we applied remains ours.
        return kube.has_applied(observed.document(), kube.FIELD_MANAGER)


def _judge(
    runtime_object: resources.RuntimeObject, live: Document, *, is_changed: bool
) -> Outcome:
    readiness = runtime_object.ready(live)
    if is_changed:
        return Outcome.changed(
            ready=readiness.ready, reason=readiness.reason, message=readiness.message
        )
    if readiness.ready:
        return Outcome.ok()
    return Outcome.waiting(readiness.reason, readiness.message)
