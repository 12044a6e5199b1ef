"""One instance, against a fake API server: what is written, said, and tried again."""

import copy
import threading
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, status
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import api, config, errors, kube, resources
from backstage_op.document import Document
from backstage_op.graph import Status
from backstage_op.operator import Environment, Reconciler, Result, Retry

RESOURCE = Key("rhdh.redhat.com/v1alpha5", "backstages", "ns", "my")
DEPLOYMENT = Key("apps/v1", "deployments", "ns", "backstage-my")
SERVICE = Key("v1", "services", "ns", "backstage-my")
SERVICE_MONITOR = Key("monitoring.coreos.com/v1", "servicemonitors", "ns", "metrics-my")
CONFIG = Key("v1", "configmaps", "ns", "config")
WITHOUT_DATABASE = {"database": {"enableLocalDb": False}}
WRITES = {"create", "apply", "patch", "delete"}


def _reconciler(
    client: kube.Client, default: config.DefaultConfig | None = None
) -> Reconciler:
    environment = Environment(
        default=default or config.DefaultConfig.shipped("backstage.io"),
        platform=resources.Platform(),
    )
    return Reconciler(client, environment)


@pytest.fixture
def reconciler(client: kube.Client) -> Reconciler:
    return _reconciler(client)


def _put(server: ApiServer, spec: Document | None = None, **metadata: Any) -> None:
    document = {
        "apiVersion": RESOURCE.api_version,
        "kind": "Backstage",
        "metadata": metadata,
        "spec": WITHOUT_DATABASE if spec is None else spec,
    }
    server.put(RESOURCE, document)


async def _reconcile(server: ApiServer, reconciler: Reconciler) -> Result:
    document = server.get(RESOURCE)
    assert document is not None
    return await reconciler.reconcile(api.decode(document))


def _writes(server: ApiServer) -> list[str]:
    return sorted(
        f"{request.key.plural}/{request.subresource}".strip("/")
        for request in server.requests
        if request.verb in WRITES
    )


def _conditions(result: Result) -> dict[str, tuple[str, str]]:
    found = result.backstage.status.conditions
    return {c.type: (c.status, c.reason) for c in found}


def _finish_rollout(server: ApiServer) -> None:
    live = server.get(DEPLOYMENT)
    assert live is not None
    counts = dict.fromkeys(
        ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1
    )
    generation = live["metadata"]["generation"]
    server.put(
        DEPLOYMENT, {**live, "status": {"observedGeneration": generation} | counts}
    )


async def test_a_second_reconcile_writes_nothing(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)

    first = await _reconcile(server, reconciler)

    assert first.retry is Retry.NO
    assert _conditions(first) == {
        "Deployed": ("False", "DeployInProgress"),
        "Runtime": ("False", "Pending"),
        "Config": ("True", "Valid"),
        "Database": ("True", "External"),
        "Reconciling": ("True", "DeployInProgress"),
    }
    assert _writes(server) == [
        "backstages/status",
        "configmaps",
        "deployments",
        "secrets",
        "secrets",
        "services",
    ]
    server.requests.clear()
    await _reconcile(server, reconciler)
    assert _writes(server) == []


async def test_an_api_that_is_not_installed_is_told_and_all_else_is_made(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server, {**WITHOUT_DATABASE, "monitoring": {"enabled": True}})

    missing = await _reconcile(server, reconciler)

    assert missing.retry is Retry.LATER
    assert _conditions(missing)["Config"] == ("False", "DependencyMissing")
    assert server.get(DEPLOYMENT) is not None
    assert server.get(SERVICE_MONITOR) is None

    monitor = {"name": "servicemonitors", "kind": "ServiceMonitor", "namespaced": True}
    server.resources[SERVICE_MONITOR.api_version] = [monitor]
    there = await _reconcile(server, reconciler)

    assert _conditions(there)["Config"] == ("True", "Valid")
    assert server.get(SERVICE_MONITOR) is not None


async def test_the_end_of_the_rollout_is_one_status_write(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)
    await _reconcile(server, reconciler)
    _finish_rollout(server)
    server.requests.clear()

    result = await _reconcile(server, reconciler)

    assert _conditions(result)["Deployed"] == ("True", "Deployed")
    assert _writes(server) == ["backstages/status"]


async def test_a_missing_reference_is_a_fault_that_is_not_tried_again(
    server: ApiServer, reconciler: Reconciler
) -> None:
    application = {"appConfig": {"configMaps": [{"name": "config"}]}}
    _put(server, {**WITHOUT_DATABASE, "application": application})

    result = await _reconcile(server, reconciler)

    assert result.retry is Retry.NO
    assert [fault.reason for fault in result.faults] == ["ReferencedObjectNotFound"]
    assert _writes(server) == ["backstages/status"]


async def test_what_cannot_be_read_as_it_is_asked_for_is_said_and_looked_at_later(
    server: ApiServer, reconciler: Reconciler
) -> None:
    envs = {"configMaps": [{"name": "config"}]}
    _put(server, {**WITHOUT_DATABASE, "application": {"extraEnvs": envs}})
    server.answer("get", status(400, "BadRequest", "the name is wrong"))

    result = await _reconcile(server, reconciler)

    assert result.retry is Retry.LATER
    assert _conditions(result)["Deployed"] == ("False", "DeployFailed")
    assert _writes(server) == ["backstages/status"]


async def test_an_object_of_somebody_else_is_looked_at_later(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)
    foreign = server.put(SERVICE, {"apiVersion": "v1", "kind": "Service"})

    result = await _reconcile(server, reconciler)

    assert result.retry is Retry.LATER
    assert _conditions(result)["Config"] == ("False", "OwnershipConflict")
    assert result.report is not None
    assert list(result.report.with_status(Status.FAILED)) == ["service"]
    assert server.get(SERVICE) == foreign


async def test_a_workload_of_somebody_else_is_a_conflict_whatever_it_selects(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)
    selector = {"matchLabels": {"app.kubernetes.io/name": "backstage"}}
    server.put(
        DEPLOYMENT,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {},
            "spec": {"selector": selector},
        },
    )

    result = await _reconcile(server, reconciler)

    assert _conditions(result)["Config"] == ("False", "OwnershipConflict")
    assert _conditions(result)["Deployed"] == ("False", "DeployFailed")


async def test_a_refused_object_stops_no_other(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)
    server.answer("apply", status(422, "Invalid", "spec: is wrong"))

    result = await _reconcile(server, reconciler)

    assert result.report is not None
    assert result.report.count(Status.FAILED) == 1
    assert result.retry is Retry.LATER
    assert _conditions(result)["Deployed"] == ("False", "DeployFailed")
    assert _conditions(result)["Config"] == ("False", "InvalidObject")


async def test_a_transient_failure_is_tried_again_and_not_published(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)
    server.answer("apply", *[status(503, "ServiceUnavailable")] * 40)

    result = await _reconcile(server, reconciler)

    assert result.retry is Retry.BACKOFF
    assert "backstages/status" not in _writes(server)


async def test_a_failure_that_lasts_is_published_in_its_words(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)
    server.answer("apply", *[status(503, "ServiceUnavailable", "no webhook")] * 40)
    document = server.get(RESOURCE)
    assert document is not None

    result = await reconciler.reconcile(api.decode(document), is_patient=False)

    assert result.retry is Retry.BACKOFF
    assert _conditions(result)["Deployed"] == ("False", "DeployFailed")
    assert "no webhook" in result.backstage.status.conditions[0].message


async def _told_after_endless_conflicts(
    server: ApiServer, reconciler: Reconciler
) -> Sequence[api.Condition]:
    """Return the conditions after a look in which nothing could be read."""
    document = server.get(RESOURCE)
    assert document is not None
    server.answer("get", *[status(409, "Conflict", "endless")] * 40)
    with pytest.raises(errors.TransientError):
        await reconciler.reconcile(api.decode(document), is_patient=False)
    live = server.get(RESOURCE)
    assert live is not None
    return api.decode(live).status.conditions


async def test_a_server_that_cannot_be_read_for_long_is_published(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)

    told = await _told_after_endless_conflicts(server, reconciler)

    assert "endless" in told[0].message


async def test_what_cannot_be_read_any_more_is_no_valid_configuration(
    server: ApiServer, reconciler: Reconciler
) -> None:
    envs = {"configMaps": [{"name": "config"}]}
    _put(server, {**WITHOUT_DATABASE, "application": {"extraEnvs": envs}})
    missing = _conditions(await _reconcile(server, reconciler))

    told = await _told_after_endless_conflicts(server, reconciler)

    assert {c.type: (c.status, c.reason) for c in told} == missing
    assert missing["Config"] == ("False", "ReferencedObjectNotFound")


async def test_a_status_of_a_resource_that_is_gone_is_dropped(
    server: ApiServer, reconciler: Reconciler
) -> None:
    _put(server)
    document = server.get(RESOURCE)
    assert document is not None
    server.answer("patch", status(404, "NotFound"))

    result = await reconciler.reconcile(api.decode(document))

    assert result.backstage == api.decode(document)


async def test_no_message_and_no_log_holds_a_secret(
    server: ApiServer, reconciler: Reconciler, caplog: pytest.LogCaptureFixture
) -> None:
    token = Key("v1", "secrets", "ns", "token")
    server.put(
        token,
        {"apiVersion": "v1", "kind": "Secret", "data": {"A": "c2VjcmV0LXZhbHVl"}},
    )
    envs = {"secrets": [{"name": "token", "key": "B"}]}
    _put(server, {**WITHOUT_DATABASE, "application": {"extraEnvs": envs}})

    with caplog.at_level("DEBUG"):
        result = await _reconcile(server, reconciler)

    said = repr(result) + caplog.text
    assert [fault.reason for fault in result.faults] == ["ReferencedKeyNotFound"]
    assert "secret-value" not in said
    assert "c2VjcmV0LXZhbHVl" not in said


async def test_objects_that_must_not_be_read_are_all_told_and_the_rest_is_done(
    server: ApiServer, reconciler: Reconciler
) -> None:
    files = {"secrets": [{"name": "one"}, {"name": "two"}]}
    _put(server, {**WITHOUT_DATABASE, "application": {"extraFiles": files}})
    denied = status(403, "Forbidden", "secrets is forbidden")
    server.answer("get", denied, denied)

    result = await _reconcile(server, reconciler)

    assert _conditions(result)["Config"] == ("False", "Forbidden")
    (message,) = (
        c.message for c in result.backstage.status.conditions if c.type == "Config"
    )
    assert "get Secret ns/one" in message
    assert "get Secret ns/two" in message
    assert result.retry is Retry.LATER
    assert server.get(SERVICE) is not None
    assert server.get(DEPLOYMENT) is None


class _Rewriting(ApiServer):
    """A server with a webhook that takes images from another registry."""

    def put(self, key: Key, document: Document) -> Document:
        if key == DEPLOYMENT:
            document = copy.deepcopy(document)
            for container in document["spec"]["template"]["spec"]["containers"]:
                image = container["image"].removeprefix("mirror.test/")
                container["image"] = f"mirror.test/{image}"
        return super().put(key, document)


async def test_a_field_that_is_put_back_with_each_write_is_written_once_more() -> None:
    server = _Rewriting()
    connection = kube.Connection.plain("http://fake")
    async with kube.Client.connect(connection, inner=server) as client:
        reconciler = _reconciler(client)
        _put(server)
        await _reconcile(server, reconciler)
        looks = []
        for _ in range(3):
            server.requests.clear()
            result = await _reconcile(server, reconciler)
            looks.append((_writes(server), result.is_rollout))

    assert looks == [(["deployments"], False), ([], False), ([], False)]


async def test_a_computation_that_nobody_waits_for_any_more_holds_nobody_up(
    server: ApiServer, client: kube.Client
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    class Slow(dict[str, str]):
        """Files that take long to be worked on."""

        def __contains__(self, key: object) -> bool:
            begun.set()
            goes_on.wait(GIVE_UP_SECONDS)
            return super().__contains__(key)

    default = config.DefaultConfig.shipped("backstage.io")
    slow = msgspec.structs.replace(default, files=Slow(default.files))
    reconciler = _reconciler(client, slow)
    _put(server)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_reconcile, server, reconciler)
            # A thread computes, and so time stands still.
            while not begun.is_set():
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert not goes_on.is_set()
    finally:
        goes_on.set()


@pytest.mark.virtual_clock
async def test_how_long_the_server_wishes_to_be_left_alone_is_told(
    server: ApiServer, reconciler: Reconciler
) -> None:
    busy = status(429, "TooManyRequests", headers={"Retry-After": "7"})
    server.answer("apply", *[busy] * 100)
    _put(server)

    result = await _reconcile(server, reconciler)

    assert (result.retry, result.retry_after_seconds) == (Retry.BACKOFF, 7.0)
