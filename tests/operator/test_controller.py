"""From events to reconciles, and what comes after one."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, status
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import config, kube
from backstage_op.document import Document
from backstage_op.operator import Environment, Operator, Options

WITHOUT_DATABASE = {"database": {"enableLocalDb": False}}


def _resource(name: str, namespace: str = "ns") -> Key:
    return Key("rhdh.redhat.com/v1alpha5", "backstages", namespace, name)


def _deployment(name: str, namespace: str = "ns") -> Key:
    return Key("apps/v1", "deployments", namespace, f"backstage-{name}")


def _put(
    server: ApiServer, name: str, spec: Document, namespace: str = "ns", **metadata: Any
) -> None:
    document = {
        "apiVersion": "rhdh.redhat.com/v1alpha5",
        "kind": "Backstage",
        "metadata": metadata,
        "spec": {**WITHOUT_DATABASE, **spec},
    }
    server.put(_resource(name, namespace), document)


@asynccontextmanager
async def _running(server: ApiServer, **options: Any) -> AsyncIterator[Operator]:
    """Run an operator against the server, from synced to cancelled."""
    connection = kube.Connection.plain("http://fake")
    default = config.DefaultConfig.shipped("backstage.io")
    operator = Operator(
        Options(environment=Environment(default=default), **options),
        functools.partial(kube.Client.connect, connection, inner=server),
    )
    with anyio.fail_after(5 * GIVE_UP_SECONDS):
        async with anyio.create_task_group() as tasks:
            await tasks.start(operator.run)
            yield operator
            tasks.cancel_scope.cancel()


async def _until(is_so: Callable[[], object]) -> None:
    with anyio.fail_after(GIVE_UP_SECONDS):
        while not is_so():  # noqa: ASYNC110 - the server has no event to wait for
            await anyio.sleep(0.01)


async def _until_there(server: ApiServer, key: Key) -> None:
    await _until(lambda: server.get(key))


async def _until_reason(
    server: ApiServer, name: str, condition: str, reason: str
) -> None:
    def says_so() -> bool:
        live = server.get(_resource(name)) or {}
        found = (live.get("status") or {}).get("conditions", ())
        return any(c["type"] == condition and c["reason"] == reason for c in found)

    await _until(says_so)


async def test_resources_that_exist_and_come_are_reconciled(server: ApiServer) -> None:
    _put(server, "one", {})

    async with _running(server):
        await _until_there(server, _deployment("one"))
        _put(server, "two", {})
        await _until_there(server, _deployment("two"))


async def test_a_missing_object_of_the_user_is_noticed_when_it_comes(
    server: ApiServer,
) -> None:
    application = {"appConfig": {"configMaps": [{"name": "config"}]}}
    _put(server, "my", {"application": application})

    async with _running(server):
        await _until_reason(server, "my", "Config", "ReferencedObjectNotFound")
        assert server.get(_deployment("my")) is None
        server.put(
            Key("v1", "configmaps", "ns", "config"),
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a.yaml": "app: {}"}},
        )
        await _until_there(server, _deployment("my"))


async def test_one_that_cannot_be_applied_does_not_hold_up_another(
    server: ApiServer,
) -> None:
    flavours = [{"name": "nobody-knows"}]
    _put(server, "bad", {"flavours": flavours})
    _put(server, "good", {})

    async with _running(server):
        await _until_there(server, _deployment("good"))
        await _until_reason(server, "bad", "Deployed", "DeployFailed")


async def test_a_server_that_fails_for_a_while_is_tried_again(
    server: ApiServer,
) -> None:
    _put(server, "my", {})
    server.answer("apply", *[status(503, "ServiceUnavailable")] * 12)

    async with _running(server):
        await _until_there(server, _deployment("my"))
        await _until_reason(server, "my", "Deployed", "DeployInProgress")


async def test_namespaces_that_are_not_watched_are_not_even_read(
    server: ApiServer,
) -> None:
    for namespace in ("one", "two", "three"):
        _put(server, "my", {}, namespace=namespace)

    async with _running(server, namespaces=("one", "two")):
        await _until_there(server, _deployment("my", "one"))
        await _until_there(server, _deployment("my", "two"))
        server.drop(_deployment("my", "one"))
        await _until_there(server, _deployment("my", "one"))

    asked = {
        request.key.namespace for request in server.requests if request.verb != "groups"
    }
    assert asked == {"one", "two"}
    assert server.get(_deployment("my", "three")) is None


async def test_the_numbers_tell_what_happened(server: ApiServer) -> None:
    _put(server, "my", {})

    async with _running(server) as operator:
        await _until_reason(server, "my", "Deployed", "DeployInProgress")
        await _until(lambda: 'reason="DeployInProgress"' in _text(operator))
        deployment = server.get(_deployment("my"))
        assert deployment is not None
        for revision in ("1", "2"):
            annotations = {"deployment.kubernetes.io/revision": revision}
            deployment["metadata"]["annotations"] = annotations
            server.put(_deployment("my"), deployment)
        wanted = {"backstage_op_rollouts_total 1.0", "backstage_op_queue_depth 0.0"}
        await _until(lambda: wanted <= set(_text(operator).splitlines()))
        numbers = _text(operator)

    for line in (
        'backstage_op_instances{reason="DeployInProgress"} 1.0',
        'backstage_op_requests_total{code="201",resource="services",verb="apply"} 1.0',
        'backstage_op_watches_open{resource="backstages"} 1.0',
        'backstage_op_watch_starts_total{resource="backstages"} 1.0',
        'backstage_op_watch_events_total{resource="deployments",type="ADDED"} 1.0',
        "backstage_op_is_leader 1.0",
    ):
        assert line in numbers.splitlines()
    for start in (
        "backstage_op_queue_adds_total ",
        "backstage_op_queue_wait_seconds_count ",
        "backstage_op_reconcile_duration_seconds_count ",
        'backstage_op_request_duration_seconds_count{verb="apply"} ',
        'backstage_op_graph_nodes_total{status="changed"} ',
        "process_resident_memory_bytes ",
    ):
        assert f"\n{start}" in numbers


def _text(operator: Operator) -> str:
    return operator.metrics.text().decode()


def _progress(server: ApiServer, replicas: int, ready: int) -> None:
    live = server.get(_deployment("my"))
    assert live is not None
    counts = {"replicas": replicas, "updatedReplicas": 1, "readyReplicas": ready}
    status = {"observedGeneration": 1, "availableReplicas": ready, **counts}
    server.put(_deployment("my"), {**live, "status": status})


@pytest.mark.virtual_clock
async def test_the_steps_of_a_rollout_are_looked_at_twice_a_second(
    server: ApiServer,
) -> None:
    _put(server, "my", {})

    async with _running(server) as operator:
        await _until_reason(server, "my", "Deployed", "DeployInProgress")
        await anyio.sleep(10)
        before = _looks(operator)
        for step in range(40):
            _progress(server, replicas=2 + step % 2, ready=0)
            await anyio.sleep(0.1)

        assert 4 <= _looks(operator) - before <= 9


@pytest.mark.virtual_clock
async def test_a_rollout_that_is_complete_is_told_at_once(server: ApiServer) -> None:
    _put(server, "my", {})

    async with _running(server):
        await _until_reason(server, "my", "Deployed", "DeployInProgress")
        await anyio.sleep(10)
        start = anyio.current_time()
        _progress(server, replicas=2, ready=0)
        _progress(server, replicas=1, ready=1)
        await _until_reason(server, "my", "Deployed", "Deployed")

        assert anyio.current_time() - start < 0.1


def _looks(operator: Operator) -> float:
    done = operator.metrics.reconciles.labels("done")
    return sum(s.value for m in done.collect() for s in m.samples if "total" in s.name)
