"""The operator process: what runs, in which order it starts, how it stops."""

from __future__ import annotations

import logging
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeAlias, final

import anyio
import msgspec
from anyio.abc import TaskStatus

from backstage_op import config, errors, kube, resources

from . import probes
from .controller import Controller
from .gather import Environment
from .live import CachedLive
from .metrics import CONTENT_TYPE, Metrics
from .reconcile import Reconciler
from .references import ReferenceIndex

_log: Final = logging.getLogger(__name__)

_DISCOVERY_RETRY_SECONDS: Final = 5.0
_DRAIN_SECONDS: Final = 3.0
_SYNC_SECONDS: Final = 10.0

REFERENCED: Final = (kube.CONFIG_MAP, kube.SECRET, kube.PERSISTENT_VOLUME_CLAIM)
"""Kinds of users' objects that a specification may name."""

Connect: TypeAlias = Callable[
    [kube.OnRequest], AbstractAsyncContextManager[kube.Client]
]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What one operator process is told.

    Attributes:
        default: The operator-level configuration.
        images: Images that replace those of the configuration.
        namespace: Watch this namespace only; empty means all.
        workers: How many instances are reconciled at the same time.
        health: Where ``/healthz`` and ``/readyz`` are served, if at all.
        metrics: Where ``/metrics`` is served, if at all.
    """

    default: config.DefaultConfig
    images: resources.Images = resources.Images()
    namespace: str = ""
    workers: int = 4
    health: probes.Address | None = None
    metrics: probes.Address | None = None


@final
class Operator:
    """One operator process. ``connect`` opens the client, when it is time to."""

    def __init__(self, options: Options, connect: Connect) -> None:
        self._options = options
        self._connect = connect
        self._metrics = Metrics()
        self._is_ready = False

    async def run(
        self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Run until SIGTERM or SIGINT, then stop within five seconds.

        ``started()`` is called when the caches are synced and work begins.

        Raises:
            errors.SettingsError: an address cannot be bound.
        """
        async with anyio.create_task_group() as tasks:
            # First, so that a signal during a slow start is not lost.
            signals = await tasks.start(self._listen_for_signals, tasks.cancel_scope)
            # Before the caches: a probe must tell "alive, not ready" by then.
            await self._start_servers(tasks)
            async with self._connect(self._on_request) as client:
                platform = await _discover(client)
                controller = await self._start_caches(tasks, client, platform)
                signals.controller = controller
                self._is_ready = True
                _log.info("ready")
                task_status.started()
                # Last: a worker must never judge by a cache that is not filled.
                await controller.run(self._options.workers)

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

    async def _start_servers(self, tasks: anyio.abc.TaskGroup) -> None:
        if self._options.health is not None:
            handlers = {
                "/healthz": lambda: probes.Response(200, b"ok\n"),
                "/readyz": self._ready,
            }
            port = await tasks.start(
                probes.serve, self._options.health, handlers, name="health probes"
            )
            _log.info("health probes on port %d", port)
        if self._options.metrics is not None:
            port = await tasks.start(
                probes.serve,
                self._options.metrics,
                {"/metrics": self._metrics_text},
                name="metrics",
            )
            _log.info("metrics on port %d", port)

    async def _start_caches(
        self,
        tasks: anyio.abc.TaskGroup,
        client: kube.Client,
        platform: resources.Platform,
    ) -> Controller:
        """Start a watch for each kind, and return when what can be watched is."""
        index = ReferenceIndex()
        backstages = kube.Cache()
        owned = {kind: kube.Cache() for kind in kube.OWNED}
        referenced = {
            kind: kube.Cache(keep=lambda observed: observed.ref in index)
            for kind in REFERENCED
        }
        unwatched = Counter[kube.ResourceKind]()
        reconciler = Reconciler(
            client,
            Environment(
                default=self._options.default,
                platform=platform,
                images=self._options.images,
            ),
            live=CachedLive(client, {**owned, kube.BACKSTAGE: backstages}, unwatched),
            on_source=lambda document: referenced[
                kube.kind_of(kube.Observed.of(document).ref)
            ].observe(document),
        )
        controller = Controller(
            reconciler,
            backstages=backstages,
            index=index,
            metrics=self._metrics,
            unwatched=unwatched,
        )
        backstages.on_change = controller.on_backstage
        for cache in owned.values():
            cache.on_change = controller.on_owned
        for cache in referenced.values():
            cache.on_change = controller.on_reference
        namespace = self._options.namespace
        watches = _Watches(tasks, unwatched)
        for kind, cache in owned.items():
            watches.start(
                kind,
                kube.Reflector(
                    client,
                    kind,
                    cache,
                    namespace=namespace,
                    label_selector=resources.OWNED_SELECTOR,
                    optional=kind is kube.ROUTE,
                ),
            )
        for kind, cache in referenced.items():
            watches.start(
                kind,
                kube.Reflector(
                    client, kind, cache, namespace=namespace, metadata_only=True
                ),
            )
        await tasks.start(
            kube.Reflector(client, kube.BACKSTAGE, backstages, namespace=namespace).run
        )
        await watches.wait()
        return controller

    def _ready(self) -> probes.Response:
        if self._is_ready:
            return probes.Response(200, b"ok\n")
        return probes.Response(503, b"not ready\n")

    def _metrics_text(self) -> probes.Response:
        return probes.Response(200, self._metrics.text(), CONTENT_TYPE)

    def _on_request(self, request: kube.RequestInfo) -> None:
        self._metrics.requests.labels(
            request.verb, request.resource, str(request.code)
        ).inc()


@final
class _Watches:
    """Reflectors that start, and the kinds that have none running yet."""

    def __init__(
        self, tasks: anyio.abc.TaskGroup, unwatched: Counter[kube.ResourceKind]
    ) -> None:
        self._tasks = tasks
        self._unwatched = unwatched
        self._started = anyio.Event()

    def start(self, kind: kube.ResourceKind, reflector: kube.Reflector) -> None:
        """Start a reflector without waiting for it."""
        self._unwatched[kind] += 1
        self._tasks.start_soon(self._run, kind, reflector, name=f"start {kind.plural}")

    async def wait(self) -> None:
        """Return when all have started, or have had their time.

        What is not watched by then, most likely for want of a right, must not
        hold up the rest: it is read by name until it is.
        """
        with anyio.move_on_after(_SYNC_SECONDS):
            await self._started.wait()
        for kind in self._unwatched:
            _log.warning("%s: not watched yet; read by name meanwhile", kind.plural)

    async def _run(self, kind: kube.ResourceKind, reflector: kube.Reflector) -> None:
        await self._tasks.start(reflector.run)
        self._unwatched[kind] -= 1
        if not self._unwatched[kind]:
            del self._unwatched[kind]
        if not self._unwatched:
            self._started.set()


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
    groups = await kube.discover(client)
    is_openshift = "route.openshift.io" in groups
    return resources.Platform(
        is_openshift=is_openshift,
        ingress_domain=await kube.ingress_domain(client) if is_openshift else "",
        api_groups=groups,
    )
