"""From events to reconciles: which instance an event concerns, and what comes next.

Events never reach a reconcile: an event puts the key of an instance into the
queue, and the reconcile looks at what is there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Final, final

import anyio

from backstage_op import api, errors, graph, kube, resources

from . import news
from .events import notes_of
from .gather import refs_of
from .logs import current_backstage
from .metrics import Metrics
from .pace import Pace
from .pods import PodBook
from .reconcile import Reconciler, Result
from .recorder import Recorder
from .references import InstanceKey, ReferenceIndex
from .walk import Retry
from .workqueue import WorkQueue

_log: Final = logging.getLogger(__name__)

_SOON_SECONDS: Final = 5.0
_LATER_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = 30.0
_RESYNC_SECONDS: Final = 600.0
_PROGRESS_SECONDS: Final = 0.5
"""A pod that starts changes about ten times; looking at each is ten times the work."""
_LONGEST_WISH_SECONDS: Final = 60.0
"""No API server puts us off for longer."""
_BLIND_SECONDS: Final = 30.0
"""What is not watched is noticed after half a minute."""
_YIELD_SECONDS: Final = 2.0
"""Looks that only tell how a rollout goes let changes go first, for so long."""


@final
class Controller:
    """Workers over a queue of instances, fed by caches.

    ``backstages`` holds the resources, ``index`` tells which objects of users
    they name. While there are kinds in ``unwatched``, everything is looked at
    more often. Connect the caches to the ``on_…`` methods before the first event.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        *,
        backstages: kube.Cache,
        index: ReferenceIndex,
        metrics: Metrics,
        pods: PodBook,
        recorder: Recorder,
        unwatched: Collection[kube.ResourceKind] = (),
    ) -> None:
        self._unwatched = unwatched
        self._reconciler = reconciler
        self._backstages = backstages
        self._index = index
        self._metrics = metrics
        self._pods = pods
        self._recorder = recorder
        self._pace = Pace()
        self._edited: set[InstanceKey] = set()
        self._failing_since: dict[InstanceKey, float] = {}
        self._queue: WorkQueue[InstanceKey] = WorkQueue(
            on_add=metrics.queue_adds.inc, on_get=metrics.queue_seconds.observe
        )
        metrics.queue_depth.set_function(lambda: len(self._queue))
        self._active = 0
        self._idle = anyio.Event()
        self._is_draining = False

    def on_backstage(
        self, old: kube.Observed | None, new: kube.Observed | None
    ) -> None:
        """Queue a resource whose specification or annotations changed."""
        observed = new or old
        if observed is None:
            return
        if old is not None and new is not None and not news.differs(old, new):
            return
        self._queue.add((observed.ref.namespace, observed.ref.name))

    def on_owned(self, old: kube.Observed | None, new: kube.Observed | None) -> None:
        """Queue the instance that an object of ours belongs to, or belonged to.

        A workload on its way tells every step of it; only its end is waited for.
        """
        is_urgent = news.is_urgent(old, new)
        for observed in (old, new):
            if observed is None or (key := _instance_of(observed)) is None:
                continue
            if is_urgent:
                self._queue.add(key)
            else:
                self._add_progress(key)

    def on_reference(
        self, old: kube.Observed | None, new: kube.Observed | None
    ) -> None:
        """Queue the instances that refer to an object of a user."""
        observed = new or old
        if observed is not None:
            if old is not None and new is not None and resources.opts_out(new.labels):
                return
            for key in self._index.instances_of(observed.ref):
                if news.is_edit(old, new):
                    self._edited.add(key)
                self._queue.add(key, self._pace.change(key))

    def on_pods(self, key: InstanceKey) -> None:
        """Queue the instance whose pods do better or worse than before."""
        self._add_progress(key)

    def _add_progress(self, key: InstanceKey) -> None:
        self._queue.add(key, _PROGRESS_SECONDS, _YIELD_SECONDS)

    async def run(self, workers: int) -> None:
        """Work on the queue until cancelled, on several instances at once.

        It can be run again: all instances are looked at first, for a run that
        was cancelled may have left any of them half done.
        """
        self._queue_all()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._resync, name="resync")
            tasks.start_soon(self._recorder.run, name="events")
            for number in range(workers):
                tasks.start_soon(self._work, name=f"worker {number}")

    async def drain(self) -> None:
        """Start nothing new, and return when nothing is worked on any more."""
        self._is_draining = True
        while self._active:
            idle = self._idle
            await idle.wait()
        await self._recorder.drain()

    async def _resync(self) -> None:
        # The answer to what no watch can tell; it writes nothing if all is well.
        last = anyio.current_time()
        while True:
            await anyio.sleep(_BLIND_SECONDS)
            is_due = anyio.current_time() - last >= _RESYNC_SECONDS
            if self._unwatched or is_due:
                last = anyio.current_time()
                self._queue_all()

    def _queue_all(self) -> None:
        for observed in self._backstages:
            key = observed.ref.namespace, observed.ref.name
            self._queue.add(key, patience_seconds=_YIELD_SECONDS)

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            if self._is_draining:
                self._queue.done(key)
                await anyio.sleep_forever()
            if (rest := self._pace.wait(key)) > 0.0:
                self._queue.postpone(key, rest)
                continue
            self._active += 1
            try:
                await self._handle(key)
            finally:
                self._active -= 1
                self._queue.done(key)
                self._idle.set()
                self._idle = anyio.Event()

    async def _handle(self, key: InstanceKey) -> None:
        """Reconcile one instance, and decide when to look at it again."""
        token = current_backstage.set("/".join(key))
        start = time.perf_counter()
        try:
            result = await self._reconcile(key)
        except errors.ConfigError as error:
            # The resource itself cannot be read; its next change is an event.
            _log.error("cannot be read: %s", error)
            self._finish(key, "invalid", Retry.NO)
        except errors.OperatorError as error:
            _log.warning("reconcile failed: %s", error)
            self._finish(key, "retry", Retry.BACKOFF, _wish_of(error))
        except Exception:  # noqa: BLE001 - isolates instances from our bugs
            # A bug must not stop the other instances.
            _log.exception("reconcile failed with an unexpected error")
            self._finish(key, "error", Retry.BACKOFF)
        else:
            self._account(key, result)
        finally:
            self._metrics.reconcile_seconds.observe(time.perf_counter() - start)
            current_backstage.reset(token)

    async def _reconcile(self, key: InstanceKey) -> Result | None:
        observed = self._backstages.get(kube.BACKSTAGE.ref(*key))
        if observed is None or observed.deleting:
            self._index.forget(key)
            self._reconciler.forget(key)
            self._pods.forget(key)
            self._pace.forget(key)
            self._edited.discard(key)
            return None
        backstage = api.decode(observed.document())
        # Before anything is read, so that no change after the read is missed.
        self._index.replace(key, refs_of(backstage))
        if key in self._edited:
            self._edited.discard(key)
            self._pace.rest(key)
        now = anyio.current_time()
        failing_since = self._failing_since.get(key, now)
        result = await self._reconciler.reconcile(
            backstage, is_patient=now - failing_since < _PATIENCE_SECONDS
        )
        notes = notes_of(backstage, result.backstage, result.report, result.notices)
        self._recorder.tell(backstage, notes)
        return result

    def _account(self, key: InstanceKey, result: Result | None) -> None:
        if result is None:
            self._queue.forget(key)
            self._failing_since.pop(key, None)
            return
        if result.is_rollout:
            self._pace.rest(key)
        self._pace.labor(key, result.compute_seconds)
        for fault in result.faults:
            _log.warning("configuration: %s", fault)
        if result.report is not None:
            _log_report(result.report)
            for outcome in result.report.values():
                self._metrics.nodes.labels(outcome.status).inc()
        self._finish(key, _word(result), result.retry, result.retry_after_seconds)

    def _finish(
        self, key: InstanceKey, word: str, retry: Retry, least_seconds: float = 0.0
    ) -> None:
        self._metrics.reconciles.labels(word).inc()
        if retry is Retry.BACKOFF:
            self._failing_since.setdefault(key, anyio.current_time())
        else:
            self._failing_since.pop(key, None)
        match retry:
            case Retry.NO:
                self._queue.forget(key)
            case Retry.SOON:
                self._queue.forget(key)
                self._queue.add(key, _SOON_SECONDS, _YIELD_SECONDS)
            case Retry.LATER:
                self._queue.forget(key)
                self._queue.add(key, _LATER_SECONDS)
            case Retry.BACKOFF:
                least = min(least_seconds, _LONGEST_WISH_SECONDS)
                wait = self._queue.retry(key, least)
                _log.debug("next try in %.1f s", wait)


def _log_report(report: graph.Report) -> None:
    failed = report.with_status(graph.Status.FAILED)
    for key, outcome in failed.items():
        _log.warning("%s failed: %s", key, outcome.message)
    # A look at what is as it should be is no news.
    is_news = bool(failed) or report.count(graph.Status.CHANGED) > 0
    _log.log(logging.INFO if is_news else logging.DEBUG, "%s", report.recap())


def _wish_of(error: errors.OperatorError) -> float:
    """Return how many seconds the server wishes to be left alone; often 0."""
    if isinstance(error, errors.TransientError):
        return error.retry_after_seconds or 0.0
    return 0.0


def _word(result: Result) -> str:
    if result.faults:
        return "invalid"
    return "done" if result.retry in (Retry.NO, Retry.SOON) else "retry"


def _instance_of(observed: kube.Observed) -> InstanceKey | None:
    """Return the instance by controller reference, else by our labels."""
    controller = observed.controller()
    if controller is not None:
        if controller.kind != api.KIND:
            return None
        return observed.ref.namespace, controller.name
    name = resources.instance_name_of(observed.labels)
    return None if name is None else (observed.ref.namespace, name)
