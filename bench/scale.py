"""What an operator with many instances does: at once, at rest, and beside a bad one.

Each figure stands for itself: what did not happen in its time is reported as
missed, and the others are measured all the same.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias, final

import anyio
import msgspec

from backstage_op import kube, sandbox
from backstage_op.document import Document

from . import poison, wanted
from .bare import BareClient, is_by_bare_client
from .changes import Changes, Followed, IsFollower, come_to_rest
from .instance import Instances, is_by_operator, is_write
from .process import OperatorProcess
from .report import Figure

Say: TypeAlias = Callable[[str], None]
Poison: TypeAlias = tuple[str, AbstractAsyncContextManager[None]]
"""Beside whom, and while it is there."""

_MANY: Final = "bench-many"
_BARE: Final = "bench-many-bare"
_FOREIGN: Final = "bench-foreign"
_FOREIGN_BYTES: Final = 10 * 1024
_AT_ONCE: Final = 16
_REST_SECONDS: Final = 30.0
_APART_SECONDS: Final = 0.5
_CLOSE_SECONDS: Final = 0.05
_FEWER: Final = 100
"""Changes beside a bad instance; the last instance may be the bad one."""
_CHANGE: Final = "ConfigMap to Deployment"


class _Who(NamedTuple):
    """Who follows the changes: how its figures are called, and its requests told."""

    name: str
    is_follower: IsFollower


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything.

    ``instances`` at once, ``foreign`` Secrets of 10 KiB that no instance names,
    and ``quiet_minutes`` without any change.
    """

    instances: int = 200
    foreign: int = 20_000
    quiet_minutes: float = 0.0


@final
class Scale:
    """One run over a control plane that has the operator's rights installed.

    Between two phases everything comes to rest, so that none pays for another.
    """

    def __init__(self, box: sandbox.Sandbox, size: Size, say: Say) -> None:
        self._box = box
        self._size = size
        self._say = say
        self._figures: list[Figure] = []
        self._names = [f"s{number}" for number in range(size.instances)]
        self._fewer = min(_FEWER, size.instances - 1)

    async def run(self) -> tuple[Figure, ...]:
        """Measure everything, in the order of the table in ``docs/performance.md``."""
        for namespace in (_MANY, _BARE, _FOREIGN):
            self._box.create_namespace(namespace)
        async with kube.Client.connect(kube.load(self._box.kubeconfig)) as client:
            changes = Changes(self._box, client, _MANY, self._names)
            await changes.create()
            with OperatorProcess(self._box) as process:
                await process.ready_seconds()
                last = await self._all_at_once(client, process)
                poisons = chain(
                    self._writers(client, _MANY), self._burdens(client, _MANY)
                )
                await self._changes(changes, poisons, _Who("", is_by_operator))
            kubeconfig = process.kubeconfig
            await self._bare_client(client, kube.load(kubeconfig), last)
            before = await self._restart()
            await self._beside_foreign_objects(client, before)
        return tuple(self._figures)

    async def _all_at_once(
        self, client: kube.Client, process: OperatorProcess
    ) -> float:
        what = f"{len(self._names)} at once"
        self._say(what)
        instances = Instances(self._box, client)
        courses = await instances.deploy(_MANY, self._names, spec=_spec)
        last = max(course.deployed for course in courses)
        self._add(f"{what}, to the last Deployed, operator", "s", last)
        self._add(f"{what}, processor time of the operator", "s", process.cpu_seconds())
        self._add(f"{what}, writes each", "", *(c.writes for c in courses))
        self._add(f"memory, after {what}", "MiB", process.memory_mib())
        await self._rest()
        return last

    def _writers(self, client: kube.Client, namespace: str) -> Iterator[Poison]:
        """Yield what keeps the API server busy, whoever else is there."""
        # One that is not among those whose changes are followed.
        fought_over = f"backstage-{self._names[-1]}"
        yield "another writer", poison.fought_over(self._box, namespace, fought_over)
        yield "a large one", poison.large(self._box, client, namespace)

    def _burdens(self, client: kube.Client, namespace: str) -> Iterator[Poison]:
        """Yield what keeps the operator busy."""
        yield "a slow one", poison.slow(self._box, client, namespace)
        yield "a refused one", poison.refused(self._box, client, namespace)

    async def _changes(
        self, changes: Changes, poisons: Iterable[Poison], who: _Who
    ) -> None:
        """Let each change be followed: with time between them, without, beside bad."""
        await self._follow(f"{_CHANGE}{who.name}", changes, _APART_SECONDS, who)
        what = f"{_CHANGE}, 20 a second{who.name}"
        await self._follow(what, changes, _CLOSE_SECONDS, who)
        what = f"{_CHANGE}, {self._fewer} of them{who.name}"
        alone = await self._follow(what, changes, _APART_SECONDS, who, self._fewer)
        for whom, bad in poisons:
            what = f"{_CHANGE}, beside {whom}{who.name}"
            async with bad:
                beside = await self._measure(
                    what, changes, _APART_SECONDS, who, self._fewer
                )
            if beside.seconds and alone.seconds:
                ratio = beside.quantile(0.99) / alone.quantile(0.99)
                self._add(f"{what}, ratio of the p99", "x", ratio)
            await self._rest()

    async def _follow(
        self,
        what: str,
        changes: Changes,
        apart_seconds: float,
        who: _Who,
        most: int | None = None,
    ) -> Followed:
        followed = await self._measure(what, changes, apart_seconds, who, most)
        await self._rest()
        return followed

    async def _measure(
        self,
        what: str,
        changes: Changes,
        apart_seconds: float,
        who: _Who,
        most: int | None = None,
    ) -> Followed:
        self._say(what)
        followed = await changes.make(apart_seconds, who.is_follower, most)
        if followed.seconds:
            self._add(f"{what}, p50", "s", followed.quantile(0.50))
            self._add(f"{what}, p99", "s", followed.quantile(0.99))
        self._add(f"{what}, missed", "", followed.missed)
        return followed

    async def _bare_client(
        self, client: kube.Client, connection: kube.Connection, last: float
    ) -> None:
        """Do the same without an operator."""
        what = f"{len(self._names)} at once"
        self._say(f"{what}, by the bare client")
        targets = {
            name: await wanted.compute(client, _BARE, name) for name in self._names
        }
        changes = Changes(self._box, client, _BARE, self._names)
        await changes.create()
        async with BareClient.connect(connection) as bare:
            laps = await bare.deploy(list(targets.values()))
            alone = max(lap.deployed for lap in laps)
            self._add(f"{what}, to the last Deployed, bare client", "s", alone)
            self._add(f"{what}, ratio", "x", last / alone)
            await self._rest()
            async with anyio.create_task_group() as tasks:
                await tasks.start(bare.follow, targets)
                writers = self._writers(client, _BARE)
                who = _Who(", bare client", is_by_bare_client)
                await self._changes(changes, writers, who)
                tasks.cancel_scope.cancel()

    async def _restart(self) -> float:
        offset = self._box.audit_offset()
        self._say(f"restart with {len(self._names)} instances")
        with OperatorProcess(self._box) as process:
            await process.ready_seconds()
            await anyio.sleep(_REST_SECONDS)
            memory = process.memory_mib()
        self._add("restart, writes", "", self._writes(offset))
        self._add("memory, after the restart", "MiB", memory)
        return memory

    async def _beside_foreign_objects(self, client: kube.Client, before: float) -> None:
        self._say(f"creating {self._size.foreign} foreign Secrets")
        await _each(map(_foreign, range(self._size.foreign)), client.create)
        offset = self._box.audit_offset()
        with OperatorProcess(self._box) as process:
            await process.ready_seconds()
            await anyio.sleep(_REST_SECONDS)
            memory = process.memory_mib()
            self._add("memory, with the foreign Secrets", "MiB", memory)
            self._add("growth by the foreign Secrets", "MiB", memory - before)
            if self._size.quiet_minutes:
                self._say(f"quiet for {self._size.quiet_minutes:g} min")
                await anyio.sleep(60 * self._size.quiet_minutes)
                self._add("writes while quiet", "", self._writes(offset))

    async def _rest(self) -> None:
        self._say(f"at rest after {await come_to_rest(self._box):.0f} s")

    def _writes(self, offset: int) -> int:
        return sum(
            is_by_operator(event) and is_write(event) and event.resource != "leases"
            for event in self._box.audit_events(offset)
        )

    def _add(self, name: str, unit: str, *values: float) -> None:
        figure = Figure.of(name, unit, values)
        self._figures.append(figure)
        self._say(f"  {figure.name}: {figure.median:.3f} {figure.unit}")


async def _each(
    documents: Iterable[Document], write: Callable[[Document], Awaitable[Any]]
) -> None:
    """Write documents, a few at once."""
    send, receive = anyio.create_memory_object_stream[Document](_AT_ONCE)

    async def work() -> None:
        async for document in receive.clone():
            await write(document)

    async with anyio.create_task_group() as tasks:
        for _ in range(_AT_ONCE):
            tasks.start_soon(work)
        async with send:
            for document in documents:
                await send.send(document)
        receive.close()


def _spec(name: str) -> Document:
    return {"application": {"appConfig": {"configMaps": [{"name": name}]}}}


def _foreign(number: int) -> Document:
    data = base64.b64encode(bytes(_FOREIGN_BYTES)).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"foreign-{number}", "namespace": _FOREIGN},
        "data": {"data": data},
    }
