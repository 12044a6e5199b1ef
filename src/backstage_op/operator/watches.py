"""What the operator watches: a cache and a reflector for each kind."""

from __future__ import annotations

import functools
import logging
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Final, final

import anyio
import anyio.abc

from backstage_op import kube, resources

from .controller import Controller
from .gather import Environment
from .live import CachedLive
from .memory import WatchedMemory
from .metrics import Metrics
from .pods import PodBook
from .reconcile import Reconciler
from .recorder import Recorder
from .references import ReferenceIndex

_log: Final = logging.getLogger(__name__)

_SYNC_SECONDS: Final = 10.0

REFERENCED: Final = (kube.CONFIG_MAP, kube.SECRET, kube.PERSISTENT_VOLUME_CLAIM)
"""Kinds of users' objects that a specification may name."""


async def watch(
    tasks: anyio.abc.TaskGroup,
    client: kube.Client,
    environment: Environment,
    *,
    namespaces: Sequence[str],
    metrics: Metrics,
) -> Controller:
    """Start a watch for each kind, and return when what can be watched is.

    In ``namespaces``, or everywhere if there are none. The controller that is
    returned is fed from then on, whether it runs or not.
    """
    index = ReferenceIndex()
    backstages = kube.Cache()
    owned = {kind: kube.Cache() for kind in kube.OWNED}
    referenced = {
        kind: kube.Cache(keep=lambda observed: observed.ref in index)
        for kind in REFERENCED
    }
    pods = PodBook()
    unwatched = Counter[kube.ResourceKind]()
    reconciler = Reconciler(
        client,
        environment,
        live=CachedLive(client, {**owned, kube.BACKSTAGE: backstages}, unwatched),
        memory=WatchedMemory(referenced, index, unwatched),
        pods=pods,
    )
    controller = Controller(
        reconciler,
        backstages=backstages,
        index=index,
        metrics=metrics,
        pods=pods,
        recorder=Recorder(client, socket.gethostname()),
        unwatched=unwatched,
    )
    metrics.show_instances(backstages)
    backstages.on_change = controller.on_backstage
    for cache in owned.values():
        cache.on_change = _both(metrics.on_owned, controller.on_owned)
    for cache in referenced.values():
        cache.on_change = controller.on_reference
    pods.on_change = controller.on_pods
    watches = _Watches(tasks, client, namespaces, unwatched, metrics.on_watch)
    for kind, cache in owned.items():
        watches.start(kind, cache, label_selector=resources.OWNED_SELECTOR)
    for kind, cache in referenced.items():
        watches.start(kind, cache, metadata_only=True)
    selector = resources.APP_LABEL
    watches.start(kube.POD, pods.pods, label_selector=selector)
    watches.start(
        kube.REPLICA_SET, pods.replica_sets, label_selector=selector, metadata_only=True
    )
    watches.start(kube.BACKSTAGE, backstages)
    await watches.started(kube.BACKSTAGE)
    await watches.wait()
    return controller


def _both(one: kube.OnChange, other: kube.OnChange) -> kube.OnChange:
    def on_change(old: kube.Observed | None, new: kube.Observed | None) -> None:
        one(old, new)
        other(old, new)

    return on_change


@final
class _Watches:
    """Reflectors, and the kinds of which not all changes are seen, or not yet."""

    def __init__(
        self,
        tasks: anyio.abc.TaskGroup,
        client: kube.Client,
        namespaces: Sequence[str],
        unwatched: Counter[kube.ResourceKind],
        on_watch: kube.OnWatch,
    ) -> None:
        self._tasks = tasks
        self._client = client
        self._namespaces = namespaces or ("",)
        self._unwatched = unwatched
        self._on_watch = on_watch
        self._changed = anyio.Event()

    def start(
        self,
        kind: kube.ResourceKind,
        sink: kube.Sink,
        *,
        label_selector: str = "",
        metadata_only: bool = False,
    ) -> None:
        """Start the watches of a kind without waiting for them."""
        for namespace in self._namespaces:
            reflector = kube.Reflector(
                self._client,
                kind,
                sink,
                namespace=namespace,
                label_selector=label_selector,
                metadata_only=metadata_only,
                on_watch=self._on_watch,
                on_sight=functools.partial(self._on_sight, kind),
            )
            self._unwatched[kind] += 1
            self._tasks.start_soon(reflector.run, name=f"watch {kind.plural}")

    async def started(self, kind: kube.ResourceKind) -> None:
        """Return when all watches of a kind have started, however long it takes."""
        while kind in self._unwatched:
            await self._changed.wait()

    async def wait(self) -> None:
        """Return when all have started, or have had their time.

        What is not watched by then, most likely for want of a right, must not
        hold up the rest: it is read by name until it is.
        """
        with anyio.move_on_after(_SYNC_SECONDS):
            while self._unwatched:
                await self._changed.wait()
        for kind in self._unwatched:
            _log.warning("%s: not watched yet; read by name meanwhile", kind.plural)

    def _on_sight(self, kind: kube.ResourceKind, is_seen: bool) -> None:
        self._unwatched[kind] += -1 if is_seen else 1
        if not self._unwatched[kind]:
            del self._unwatched[kind]
        self._changed.set()
        self._changed = anyio.Event()
