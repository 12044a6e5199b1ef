"""One life of an instance, whatever happens to its operator's requests.

A resource is created and changed, an object it refers to is changed, and after
each step the instance must come to rest. Time is virtual.
"""

from __future__ import annotations

import functools
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
import msgspec
from tests.support.apiserver import ApiServer
from tests.support.clock import virtual_clock
from tests.support.cluster import roll_out
from tests.support.exchange import Key
from tests.support.faults import Crash, FaultyTransport, Step

from backstage_op import config, kube
from backstage_op.document import Document
from backstage_op.operator import Environment, Operator, Options
from backstage_op.resources import naming

RESOURCE = Key(kube.BACKSTAGE.api_version, "backstages", "ns", "my")
DEPLOYMENT = Key("apps/v1", "deployments", "ns", "backstage-my")
CONFIG = Key("v1", "configmaps", "ns", "config")
TOKEN = Key("v1", "secrets", "ns", "token")

PROMPT_SECONDS = 90.0
"""By then all is well again after one fault, without the resync's help."""
RESYNC_SECONDS = 700.0
"""By then the resync has come."""
_QUIET_SECONDS = 45.0
_RESTART_SECONDS = 1.0

_MASKED = "*"


class End(msgspec.Struct, frozen=True):
    """What is left of a life, in a form that two of them can be compared by.

    Attributes:
        state: All objects, but for what is new in each run.
        history: How often each object came into being, and its last generation.
        steps: The requests of the operator, in order.
        restarts: How often the operator had to be started again.
        seconds: How long the slowest step took.
        late_writes: What was written after the end.
        new_secrets: Secrets whose values changed after they were made.
    """

    state: str
    history: dict[str, tuple[int, int, int]]
    steps: list[Step]
    restarts: int
    seconds: float
    late_writes: list[str]
    changed_secrets: list[str]


def live(
    transport_of: Callable[[ApiServer], FaultyTransport] = FaultyTransport,
    *,
    limit: float = PROMPT_SECONDS,
    page: int | None = None,
    seed: int = 0,
) -> End:
    """Play one life, and return its end.

    Raises:
        AssertionError: a step did not come to rest within ``limit``.
    """
    random.seed(seed)
    with virtual_clock() as clock:
        return anyio.run(
            _Life(transport_of, limit, page).play,
            backend="trio",
            backend_options={"clock": clock},
        )


_STORIES = frozenset({"events"})
"""What tells of a life and is no part of its end: a fault is told as well."""


class _Life:
    def __init__(
        self,
        transport_of: Callable[[ApiServer], FaultyTransport],
        limit: float,
        page: int | None,
    ) -> None:
        self._transport_of = transport_of
        self._limit = limit
        self._page = page
        self._restarts = 0
        self._slowest = 0.0

    async def play(self) -> End:
        self.server = ApiServer(page=self._page)
        self.transport = self._transport_of(self.server)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(roll_out, self.server)
            tasks.start_soon(self._operate)
            await self._create()
            await self._rest(generation=1, rollouts=1)
            self._put(CONFIG, {"data": {"app-config.yaml": "app: {title: B}"}})
            await self._rest(generation=1, rollouts=2)
            self._put(RESOURCE, {"spec": _spec(replicas=2)})
            await self._rest(generation=2, rollouts=3)
            before = len(self.server.written)
            await anyio.sleep(_QUIET_SECONDS)
            late = [
                str(key)
                for key, *_ in self.server.written[before:]
                if key.plural not in _STORIES
            ]
            tasks.cancel_scope.cancel()
        return End(
            state=_canonical(self.server),
            history=_history(self.server),
            steps=self.transport.steps,
            restarts=self._restarts,
            seconds=self._slowest,
            late_writes=late,
            changed_secrets=_changed_secrets(self.server),
        )

    async def _create(self) -> None:
        self._put(CONFIG, {"data": {"app-config.yaml": "app: {title: A}"}})
        self._put(TOKEN, {"data": {"TOKEN": "dA=="}})
        self._put(RESOURCE, {"kind": "Backstage", "spec": _spec()})

    def _put(self, key: Key, fields: Document) -> None:
        kinds = {"configmaps": "ConfigMap", "secrets": "Secret"}
        identity = {
            "apiVersion": key.api_version,
            "kind": kinds.get(key.plural, "Backstage"),
        }
        self.server.put(key, {**(self.server.get(key) or identity), **fields})

    async def _operate(self) -> None:
        """Run one operator after the other, each until it crashes."""
        default = config.DefaultConfig.shipped("backstage.io")
        options = Options(environment=Environment(default=default))
        plain = kube.Connection.plain("http://fake")
        while True:
            operator = Operator(
                options,
                functools.partial(kube.Client.connect, plain, inner=self.transport),
            )
            try:
                await operator.run()
            except* Crash:
                self._restarts += 1
            await anyio.sleep(_RESTART_SECONDS)
            self.transport.revive()

    async def _rest(self, *, generation: int, rollouts: int) -> None:
        start = anyio.current_time()
        while not self._is_at_rest(generation, rollouts):
            if anyio.current_time() - start > self._limit:
                raise AssertionError(self._unrest(generation, rollouts))
            await anyio.sleep(0.25)
        self._slowest = max(self._slowest, anyio.current_time() - start)

    def _is_at_rest(self, generation: int, rollouts: int) -> bool:
        deployment = self.server.get(DEPLOYMENT)
        resource = self.server.get(RESOURCE)
        assert resource is not None
        conditions = (resource.get("status") or {}).get("conditions") or ()
        deployed = [c for c in conditions if c["type"] == "Deployed"]
        return (
            deployment is not None
            and deployment["metadata"]["generation"] >= rollouts
            and [(c["status"], c["observedGeneration"]) for c in deployed]
            == [("True", generation)]
        )

    def _unrest(self, generation: int, rollouts: int) -> str:
        resource = self.server.get(RESOURCE) or {}
        return (
            f"no rest at generation {generation}, rollout {rollouts}:"
            f" {resource.get('status')}; left {self.transport.left}"
        )


def _spec(**application: Any) -> Document:
    return {
        "application": {
            **application,
            "appConfig": {"configMaps": [{"name": "config"}]},
            "extraEnvs": {"secrets": [{"name": "token"}]},
        }
    }


def _canonical(server: ApiServer) -> str:
    uids = {o["metadata"]["uid"]: f"uid of {k}" for k, o in server.items()}
    found = {
        str(key): _masked(item, uids)
        for key, item in server.items()
        if key.plural not in _STORIES
    }
    return json.dumps(found, sort_keys=True, indent=1)


def _masked(node: Any, uids: dict[str, str]) -> Any:
    fresh = (
        "resourceVersion",
        "lastTransitionTime",
        naming.CHECKSUM,
        naming.NOTED_CHECKSUM,
    )
    if isinstance(node, dict):
        is_secret = node.get("kind") == "Secret"
        return {
            key: dict.fromkeys(value, _MASKED)
            if is_secret and key in ("data", "stringData")
            else _MASKED
            if key in fresh
            else _masked(value, uids)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_masked(value, uids) for value in node]
    return uids.get(node, node) if isinstance(node, str) else node


def _history(server: ApiServer) -> dict[str, tuple[int, int, int]]:
    added: Counter[str] = Counter()
    deleted: Counter[str] = Counter()
    generation: dict[str, int] = {}
    for key, old, new in server.written:
        if key.plural in _STORIES:
            continue
        added[str(key)] += old is None
        deleted[str(key)] += new is None
        if new is not None:
            generation[str(key)] = new["metadata"]["generation"]
    return {k: (added[k], deleted[k], g) for k, g in sorted(generation.items())}


def _changed_secrets(server: ApiServer) -> list[str]:
    return [
        str(key)
        for key, old, new in server.written
        if key.plural == "secrets"
        and old is not None
        and (
            new is None
            or [old.get(f) for f in ("data", "stringData")]
            != [new.get(f) for f in ("data", "stringData")]
        )
    ]
