"""What an operator with many instances does: at once, at rest, and beside a bad one.

Each figure stands for itself: what did not happen in its time is reported as
missed, and the others are measured all the same.
"""

from __future__ import annotations

import base64
import datetime
import functools
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias, final

import anyio
import anyio.to_thread
import msgspec

from backstage_op import kube, sandbox
from backstage_op.document import Document

from . import wanted
from .bare import BareClient
from .instance import Instances, is_by_operator
from .process import BenchError, OperatorProcess
from .report import Figure

Say: TypeAlias = Callable[[str], None]

_MANY: Final = "bench-many"
_BARE: Final = "bench-many-bare"
_FOREIGN: Final = "bench-foreign"
_FOREIGN_BYTES: Final = 10 * 1024
_AT_ONCE: Final = 16
_REST_SECONDS: Final = 30.0
_NOTICED_SECONDS: Final = 5.0
_APART_SECONDS: Final = 0.05
_POISON: Final = "poison"
_POISON_SECONDS: Final = 0.05
_APP_CONFIG: Final = "app-config.yaml"


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
    """One run over a control plane that has the operator's rights installed."""

    def __init__(self, box: sandbox.Sandbox, size: Size, say: Say) -> None:
        self._box = box
        self._size = size
        self._say = say
        self._figures: list[Figure] = []
        self._names = [f"s{number}" for number in range(size.instances)]

    async def run(self) -> tuple[Figure, ...]:
        """Measure everything, in the order of the table in ``docs/performance.md``."""
        for namespace in (_MANY, _BARE, _FOREIGN):
            self._box.create_namespace(namespace)
        connection = kube.load(self._box.kubeconfig)
        async with kube.Client.connect(connection) as client:
            await self._create_config_maps(client)
            with OperatorProcess(self._box) as process:
                await process.ready_seconds()
                await self._all_at_once(client, process)
                await self._changes("ConfigMap to Deployment", client)
                await self._beside_another_writer(client)
                await self._beside_a_laborious_one(client)
            await self._restarts(client)
        return tuple(self._figures)

    async def _create_config_maps(self, client: kube.Client) -> None:
        documents = [_config_map(name, "0") for name in self._names]
        await _each(documents, client.create)

    async def _all_at_once(self, client: kube.Client, process: OperatorProcess) -> None:
        what = f"{len(self._names)} at once"
        self._say(what)
        instances = Instances(self._box, client)
        courses = await instances.deploy(_MANY, self._names, spec=_spec)
        last = max(course.deployed for course in courses)
        self._add(f"{what}, to the last Deployed, operator", "s", last)
        self._add(f"{what}, writes each", "", *(c.writes for c in courses))
        self._add(f"memory, after {what}", "MiB", process.memory_mib())
        self._say("the same by the bare client")
        targets = [await wanted.compute(client, _BARE, name) for name in self._names]
        async with BareClient.connect(kube.load(process.kubeconfig)) as bare:
            laps = await bare.deploy(targets)
        alone = max(lap.deployed for lap in laps)
        self._add(f"{what}, to the last Deployed, bare client", "s", alone)
        self._add(f"{what}, ratio", "x", last / alone)

    async def _changes(self, what: str, client: kube.Client) -> None:
        """Change each ConfigMap once, and see when its Deployment follows."""
        self._say(f"{what}: {len(self._names)} changes")
        offset = self._box.audit_offset()
        token = secrets.token_hex(4)
        for name in self._names:
            await client.apply(_config_map(name, token))
            await anyio.sleep(_APART_SECONDS)
        await anyio.sleep(_NOTICED_SECONDS)
        took = list(self._followed(self._box.audit_events(offset)))
        if took:
            self._add(f"{what}, p50", "s", _quantile(took, 0.50))
            self._add(f"{what}, p99", "s", _quantile(took, 0.99))
        self._add(f"{what}, missed", "", len(self._names) - len(took))

    def _followed(self, events: Sequence[sandbox.AuditEvent]) -> Iterable[float]:
        changed: dict[str, datetime.datetime] = {}
        seen: set[str] = set()
        for event in events:
            if event.namespace != _MANY:
                continue
            if event.resource == "configmaps" and not is_by_operator(event):
                changed[event.name] = event.timestamp
            name = event.name.removeprefix("backstage-")
            if (
                event.resource == "deployments"
                and is_by_operator(event)
                and event.verb == "patch"
                and name in changed
                and name not in seen
            ):
                seen.add(name)
                yield (event.timestamp - changed[name]).total_seconds()

    async def _beside_another_writer(self, client: kube.Client) -> None:
        """One Deployment is fought over, twenty times a second."""
        path = kube.DEPLOYMENT.path(_MANY, f"backstage-{self._names[0]}")

        async def fight() -> None:
            while True:
                labels = {"app.kubernetes.io/name": secrets.token_hex(4)}
                await self._meddle(path, {"metadata": {"labels": labels}})
                await anyio.sleep(_POISON_SECONDS)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fight)
            await self._changes("the same beside another writer", client)
            tasks.cancel_scope.cancel()

    async def _beside_a_laborious_one(self, client: kube.Client) -> None:
        """One instance takes long to compute, and is changed all the time."""
        document = wanted.backstage_document(_MANY, _POISON)
        document["spec"] = _laborious()
        await client.create(document)
        path = kube.BACKSTAGE.path(_MANY, _POISON)

        async def change() -> None:
            for number in range(1 << 20):
                annotations = {"bench": str(number)}
                await self._meddle(path, {"metadata": {"annotations": annotations}})
                await anyio.sleep(_POISON_SECONDS)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(change)
            await self._changes("the same beside a laborious one", client)
            tasks.cancel_scope.cancel()
        live = await client.get(kube.BACKSTAGE, _MANY, _POISON)
        ref = kube.BACKSTAGE.ref(_MANY, _POISON)
        await client.delete(ref, uid=live["metadata"]["uid"])

    async def _restarts(self, client: kube.Client) -> None:
        offset = self._box.audit_offset()
        self._say(f"restart with {len(self._names)} instances")
        with OperatorProcess(self._box) as process:
            await process.ready_seconds()
            await anyio.sleep(_REST_SECONDS)
            before = process.memory_mib()
        self._add("restart, writes", "", self._writes(offset))
        self._add("memory, after the restart", "MiB", before)
        self._say(f"creating {self._size.foreign} foreign Secrets")
        await _each(map(_foreign, range(self._size.foreign)), client.create)
        offset = self._box.audit_offset()
        with OperatorProcess(self._box) as process:
            await process.ready_seconds()
            await anyio.sleep(_REST_SECONDS)
            after = process.memory_mib()
            self._add("memory, with the foreign Secrets", "MiB", after)
            self._add("growth by the foreign Secrets", "MiB", after - before)
            if self._size.quiet_minutes:
                self._say(f"quiet for {self._size.quiet_minutes:g} min")
                await anyio.sleep(60 * self._size.quiet_minutes)
                self._add("writes while quiet", "", self._writes(offset))

    async def _meddle(self, path: str, patch: Document) -> None:
        """Change an object as somebody else."""
        await anyio.to_thread.run_sync(
            functools.partial(
                self._box.admin.request,
                "PATCH",
                path,
                params={"fieldManager": "bench"},
                headers={"Content-Type": "application/merge-patch+json"},
                json=patch,
            )
        )

    def _writes(self, offset: int) -> int:
        return sum(
            is_by_operator(event)
            and event.verb not in ("get", "list", "watch")
            and event.resource != "leases"
            for event in self._box.audit_events(offset)
        )

    def _add(self, name: str, unit: str, *values: float) -> None:
        self._figures.append(Figure.of(name, unit, values))


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def _each(
    documents: Iterable[Document], write: Callable[[Document], object]
) -> None:
    """Write documents, a few at once."""
    send, receive = anyio.create_memory_object_stream[Document](_AT_ONCE)

    async def work() -> None:
        async for document in receive.clone():
            await write(document)  # type: ignore[misc]

    async with anyio.create_task_group() as tasks:
        for _ in range(_AT_ONCE):
            tasks.start_soon(work)
        async with send:
            for document in documents:
                await send.send(document)
        receive.close()


def _config_map(name: str, token: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": _MANY},
        "data": {_APP_CONFIG: f"app: {{title: {token}}}\n"},
    }


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


def _laborious() -> Document:
    """Return a specification that takes long to compute: many variables, patched."""
    variables = [{"name": f"V{number}", "value": "x"} for number in range(2000)]
    patched = [{"name": f"V{number}", "value": "y"} for number in range(0, 4000, 2)]
    containers = [{"name": "backstage-backend", "env": patched}]
    return {
        "application": {"extraEnvs": {"envs": variables}},
        "deployment": {
            "patch": {"spec": {"template": {"spec": {"containers": containers}}}}
        },
    }


__all__ = ["BenchError", "Scale", "Size"]
