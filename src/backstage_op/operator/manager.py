"""The operator process: what runs, in which order it starts, how it stops."""

from __future__ import annotations

import functools
import logging
import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, Protocol, final

import anyio
import msgspec
from anyio.abc import TaskStatus

from backstage_op import errors, kube, resources

from . import server
from .controller import Controller
from .gather import Environment
from .leader import Elector, identity
from .lease import Lease
from .metrics import Metrics
from .metrics_server import ExposedMetrics, Exposure
from .watches import watch

_log: Final = logging.getLogger(__name__)

_DISCOVERY_RETRY_SECONDS: Final = 5.0
_DRAIN_SECONDS: Final = 2.5

WORKERS: Final = kube.MOST_AT_ONCE
"""A worker mostly waits for a request."""


class Connect(Protocol):
    """Opens a client for the time of an ``async with``."""

    def __call__(
        self, *, on_request: kube.OnRequest, gate: kube.WriteGate | None
    ) -> AbstractAsyncContextManager[kube.Client]:
        """``gate`` tells until when the client may write; without one, always."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What one operator process is told.

    Attributes:
        environment: What all instances are computed from. The platform is not
            looked at: the process asks the cluster what it is.
        namespaces: Watch these only; none means all.
        workers: How many instances are reconciled at the same time.
        election: The namespace of the Lease that must be held to work; empty if
            this is the only operator.
        health: Where ``/healthz`` and ``/readyz`` are served, if at all.
        metrics: How ``/metrics`` is served, if at all.
    """

    environment: Environment
    namespaces: tuple[str, ...] = ()
    workers: int = WORKERS
    election: str = ""
    health: server.Address | None = None
    metrics: Exposure | None = None


@final
class Operator:
    """One operator process. ``connect`` opens its clients, when it is time to."""

    def __init__(self, options: Options, connect: Connect) -> None:
        self._options = options
        self._connect = connect
        self.metrics = Metrics()
        self._is_ready = False

    async def run(
        self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Run until SIGTERM or SIGINT, then stop within five seconds.

        ``started()`` is called when the caches are synced, and work begins or
        waits for the lease.

        Raises:
            errors.SettingsError: an address cannot be bound.
        """
        async with anyio.create_task_group() as signals, AsyncExitStack() as stack:
            # First, so that a signal during a slow start is not lost.
            stop = await signals.start(self._listen_for_signals, signals.cancel_scope)
            # Its connections are not held up by the work, nor its writes by the gate.
            own = await stack.enter_async_context(self._open())
            elector = self._elector(own)
            gate = elector.may_write_until if elector is not None else None
            client = await stack.enter_async_context(self._open(gate))
            # Innermost: what runs has ended when the clients are closed.
            tasks = await stack.enter_async_context(anyio.create_task_group())
            # Before the caches: a probe must tell "alive, not ready" by then.
            await self._start_servers(tasks, own)
            stop.controller = await self._watch(tasks, client)
            # Last: a worker must never judge by a cache that is not filled.
            await self._start_work(tasks, elector, stop.controller)
            self._is_ready = True
            _log.info("ready")
            task_status.started()

    def _open(
        self, gate: kube.WriteGate | None = None
    ) -> AbstractAsyncContextManager[kube.Client]:
        return self._connect(on_request=self.metrics.on_request, gate=gate)

    async def _watch(
        self, tasks: anyio.abc.TaskGroup, client: kube.Client
    ) -> Controller:
        environment = msgspec.structs.replace(
            self._options.environment, platform=await _discover(client)
        )
        return await watch(
            tasks,
            client,
            environment,
            namespaces=self._options.namespaces,
            metrics=self.metrics,
        )

    async def _listen_for_signals(
        self, scope: anyio.CancelScope, *, task_status: TaskStatus[_Stop]
    ) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
            stop = _Stop()
            task_status.started(stop)
            async for number in received:
                _log.info("%s: stopping", signal.Signals(number).name)
                self._is_ready = False
                with anyio.move_on_after(_DRAIN_SECONDS):
                    await stop.drain()
                scope.cancel()
                return

    async def _start_servers(
        self, tasks: anyio.abc.TaskGroup, own: kube.Client
    ) -> None:
        if self._options.health is not None:
            handlers = {"/healthz": self._healthz, "/readyz": self._readyz}
            port = await tasks.start(
                server.serve, self._options.health, handlers, name="health probes"
            )
            _log.info("health probes on port %d", port)
        if self._options.metrics is not None:
            exposed = ExposedMetrics(self._options.metrics, self.metrics, own)
            port = await tasks.start(exposed.serve, name="metrics")
            _log.info("metrics on port %d", port)

    async def _start_work(
        self,
        tasks: anyio.abc.TaskGroup,
        elector: Elector | None,
        controller: Controller,
    ) -> None:
        """Begin to work, or to wait for the lease."""
        work = functools.partial(controller.run, self._options.workers)
        if elector is None:
            self.metrics.is_leader.set(1)
            tasks.start_soon(work, name="controller")
        else:
            await tasks.start(elector.run, work)

    def _elector(self, client: kube.Client) -> Elector | None:
        if not self._options.election:
            return None
        return Elector(
            Lease(client, self._options.election),
            identity(),
            on_change=self.metrics.is_leader.set,
        )

    async def _healthz(self, _: server.Request) -> server.Response:
        return server.Response(200, b"ok\n")

    async def _readyz(self, _: server.Request) -> server.Response:
        if self._is_ready:
            return server.Response(200, b"ok\n")
        return server.Response(503, b"not ready\n")


@final
class _Stop:
    """What a signal has to stop: the controller, once there is one."""

    controller: Controller | None = None

    async def drain(self) -> None:
        if self.controller is not None:
            await self.controller.drain()


async def _discover(client: kube.Client) -> resources.Platform:
    """Return what the cluster is, however long it takes to answer."""
    while True:
        try:
            return await platform_of(client)
        except errors.KubeError as error:
            _log.warning("cannot discover the platform: %s", error)
            await anyio.sleep(_DISCOVERY_RETRY_SECONDS)


async def platform_of(client: kube.Client) -> resources.Platform:
    """Return what the cluster is and offers.

    Raises:
        errors.KubeError: the API server did not answer as hoped.
    """
    groups = await client.api_groups()
    is_openshift = "route.openshift.io" in groups
    return resources.Platform(
        is_openshift=is_openshift,
        ingress_domain=await kube.ingress_domain(client) if is_openshift else "",
    )
