"""One instance: gather → desired → walk → status."""

from __future__ import annotations

import time
from typing import final

import anyio.to_thread
import msgspec

from backstage_op import api, errors, kube, resources
from backstage_op.graph import Node, OnOutcome, Report, Runner, Status

from .findings import Findings
from .gather import Environment, Gatherer
from .live import DirectLive, Live
from .memory import Memory
from .pods import PodBook
from .prune import Pruner
from .publisher import Publisher
from .references import InstanceKey
from .settled import Settled
from .walk import Retry, Walk


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How one reconcile ended.

    Attributes:
        backstage: The resource with the status that was published.
        faults: What the user must change. Nothing was applied if there are any.
        report: How each object ended; absent when there was no walk.
        retry: Whether to look again without a new event.
        is_rollout: The workload was there already, and was changed.
        retry_after_seconds: How long the API server wishes to be left alone.
        compute_seconds: Processor time that it took to compute the objects.
        notices: Reason and text of what a person would want to know besides.
    """

    backstage: api.Backstage
    faults: tuple[errors.ConfigError, ...] = ()
    report: Report | None = None
    retry: Retry = Retry.NO
    is_rollout: bool = False
    retry_after_seconds: float = 0.0
    compute_seconds: float = 0.0
    notices: tuple[tuple[str, str], ...] = ()


@final
class Reconciler:
    """Brings instances to what their resources ask for.

    What it keeps between calls only saves work. Two calls for the same resource
    must not run at the same time; calls for different resources may.
    """

    def __init__(
        self,
        client: kube.Client,
        environment: Environment,
        *,
        live: Live | None = None,
        on_outcome: OnOutcome | None = None,
        memory: Memory | None = None,
        pods: PodBook | None = None,
    ) -> None:
        self._client = client
        self._live = live or DirectLive(client)
        self._gatherer = Gatherer(client, self._live, environment, memory)
        self._publisher = Publisher(client, self._live, pods or PodBook())
        self._runner = Runner(on_outcome=on_outcome)
        self._settled = Settled()

    async def reconcile(
        self, backstage: api.Backstage, *, is_patient: bool = True
    ) -> Result:
        """Apply what the resource asks for, as far as it can be, and publish it.

        What may pass by itself is published only if not ``is_patient``.

        Raises:
            errors.TransientError: the API server could not be read, or the
                status could not be written.
        """
        try:
            return await self._reconcile(backstage, is_patient=is_patient)
        except Exception as error:
            if not is_patient:
                await self._publisher.tell_trouble(backstage, error)
            raise

    async def _reconcile(self, backstage: api.Backstage, *, is_patient: bool) -> Result:
        try:
            gathered = await self._gatherer.gather(backstage)
        except (errors.ForbiddenError, errors.RejectedError) as error:
            findings = await self._publisher.find(backstage, None)
            findings = msgspec.structs.replace(findings, troubles=(str(error),))
            begun = Result(backstage=backstage, retry=Retry.LATER)
            return await self._end(begun, findings)
        inputs = gathered.inputs
        # In a thread: a large manifest must not hold up the other instances.
        composition, compute_seconds = await anyio.to_thread.run_sync(
            _compose,
            inputs,
            # Nothing waits for it when the process stops, or leads no more.
            abandon_on_cancel=True,
        )
        composition = gathered.known(composition)
        faults = gathered.faults_beside_denials(composition.faults)
        can_walk = gathered.knows_layers and not faults
        retry = Retry.LATER if gathered.denied else Retry.NO
        walked = Result(
            backstage=backstage,
            faults=faults,
            retry=retry,
            compute_seconds=compute_seconds,
        )
        if can_walk:
            # Without what must not be read, the rest is done and nothing deleted.
            is_whole = not gathered.denied
            walked = await self._walk(inputs, composition, walked, is_whole=is_whole)
        if walked.retry is Retry.BACKOFF and is_patient:
            # The next try decides: a status that flips with every hiccup of the
            # API server tells nobody anything.
            return walked
        findings = msgspec.structs.replace(
            await self._publisher.find(backstage, inputs),
            faults=faults,
            denied=gathered.denied,
            report=walked.report,
            url=composition.url if can_walk else None,
        )
        return await self._end(walked, findings)

    async def _walk(
        self,
        inputs: resources.Inputs,
        composition: resources.Composition,
        result: Result,
        *,
        is_whole: bool,
    ) -> Result:
        notices: list[tuple[str, str]] = []
        walk = Walk(
            self._client,
            self._live,
            inputs,
            composition,
            settled=self._settled,
            on_event=lambda reason, text: notices.append((reason, text)),
        )
        removals: list[Node] = []
        if is_whole:
            pruner = Pruner(self._client, self._live, inputs.backstage)
            wanted = frozenset(item.ref for item in composition.objects)
            removals = await pruner.nodes(wanted)
        report = await self._runner.walk(walk.plan(removals))
        wish = walk.retry()
        return msgspec.structs.replace(
            result,
            report=report,
            retry=result.retry if wish is Retry.NO else wish,
            is_rollout=_is_rollout(inputs, report),
            retry_after_seconds=walk.retry_after_seconds(),
            notices=tuple(notices),
        )

    def forget(self, key: InstanceKey) -> None:
        """Know nothing of an instance any more."""
        self._gatherer.forget(key)
        self._publisher.forget(key)

    async def _end(self, result: Result, findings: Findings) -> Result:
        published = await self._publisher.publish(result.backstage, findings)
        # Sooner than later: what is held back is about to be outdated.
        is_held = published.is_held and result.retry in (Retry.NO, Retry.LATER)
        return msgspec.structs.replace(
            result,
            backstage=published.backstage,
            retry=Retry.SOON if is_held else result.retry,
        )


def _compose(inputs: resources.Inputs) -> tuple[resources.Composition, float]:
    """Compute the objects, and tell how much processor time of the thread it took."""
    start = time.thread_time()
    composition = resources.compose(inputs)
    return composition, time.thread_time() - start


def _is_rollout(inputs: resources.Inputs, report: Report) -> bool:
    outcome = report.get(resources.WORKLOAD_KEY)
    is_changed = outcome is not None and outcome.status is Status.CHANGED
    return inputs.workload_exists and is_changed
