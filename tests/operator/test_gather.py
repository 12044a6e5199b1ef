"""What a reconcile reads, and what becomes of objects of ours that it must not read."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx2
import pytest
from tests.operator.stage import (
    DATABASE,
    DEPLOYMENT,
    LABELS,
    PASSWORD,
    SERVICE,
    WITHOUT_DATABASE,
    Stage,
    conditions,
)
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, Request, status

from backstage_op import config, kube, resources
from backstage_op.document import Document
from backstage_op.graph import Status
from backstage_op.operator import Environment, Reconciler, Retry
from backstage_op.operator.live import CachedLive

CHECKSUM_KEY = Key("v1", "secrets", "ns", "backstage-checksum-key-my")
BACKEND_SECRET = CHECKSUM_KEY._replace(name="backstage-backend-secret-my")
LOCAL: Document = {}
OWN = [CHECKSUM_KEY, PASSWORD]
KNOWN = {"POSTGRES_PASSWORD": base64.b64encode(b"known").decode()}

NOTHING = hashlib.sha256().hexdigest()


@pytest.fixture
def stage(server: ApiServer, client: kube.Client) -> Stage:
    return Stage(server, client)


def _deny(server: ApiServer, plural: str = "secrets", *, times: int = 1000) -> None:
    """Answer that objects of a kind must not be read, so many times."""
    forbidden = status(403, "Forbidden", f"{plural} is forbidden: cannot get")
    left = [times]

    async def answer(request: Request) -> httpx2.Response:
        if request.key.plural == plural and left[0] > 0:
            left[0] -= 1
            return await forbidden(request)
        return server.serve(request)

    server.answer("get", *[answer] * 1000)


async def _deploy(stage: Stage) -> None:
    """Make a portal that runs with a local database."""
    stage.resource(LOCAL)
    await stage.reconcile()
    stage.finish_rollout(DATABASE)
    await stage.reconcile()
    stage.finish_rollout()


def _secrets(server: ApiServer) -> list[Key]:
    return [key for key, _ in server.items() if key.plural == "secrets"]


@pytest.mark.parametrize(
    ("database", "is_read"),
    [
        ({"enableLocalDb": False}, False),
        ({"enableLocalDb": False, "authSecretName": "mine"}, False),
        ({"enableLocalDb": True, "authSecretName": "mine"}, False),
        ({"enableLocalDb": True}, True),
    ],
    ids=["none", "external", "own password", "local"],
)
async def test_the_password_is_read_only_where_the_operator_makes_it(
    stage: Stage, *, database: Document, is_read: bool
) -> None:
    stage.resource({"database": database})

    await stage.reconcile()

    read = {request.key for request in stage.server.seen("get")}
    assert CHECKSUM_KEY in read
    assert (PASSWORD in read) is is_read


@pytest.mark.parametrize(
    ("spec", "failed"),
    [
        (LOCAL, ["backend-secret", "checksum-key", "db-secret"]),
        (WITHOUT_DATABASE, ["backend-secret", "checksum-key"]),
    ],
    ids=["local", "external"],
)
async def test_secrets_of_ours_that_must_not_be_read_are_told_and_the_rest_is_done(
    stage: Stage, spec: Document, failed: list[str]
) -> None:
    stage.resource(spec)
    _deny(stage.server)

    result = await stage.reconcile()

    assert result.report is not None
    outcomes = result.report.with_status(Status.FAILED)
    assert sorted(outcomes) == failed
    for outcome in outcomes.values():
        assert outcome.reason == "Forbidden"
    assert outcomes["checksum-key"].message == (
        "get Secret ns/backstage-checksum-key-my: 403 Forbidden; "
        "give the operator the right to get it"
    )
    assert conditions(result)["Config"] == ("False", "Forbidden")
    assert conditions(result)["Deployed"] == ("False", "DeployFailed")
    assert result.retry is Retry.LATER
    assert stage.get(SERVICE)["spec"]["selector"]
    assert _secrets(stage.server) == []
    assert stage.server.get(DEPLOYMENT) is None
    assert stage.server.get(DATABASE) is None


async def test_a_workload_that_must_not_be_read_is_told_and_the_rest_is_done(
    stage: Stage,
) -> None:
    stage.resource(LOCAL)
    _deny(stage.server, "deployments")

    result = await stage.reconcile()

    assert result.report is not None
    (outcome,) = result.report.with_status(Status.FAILED).values()
    assert outcome.message == (
        "get Deployment ns/backstage-my: 403 deployments is forbidden: cannot get; "
        "give the operator the right to get it"
    )
    assert conditions(result)["Config"] == ("False", "Forbidden")
    assert result.retry is Retry.LATER
    assert stage.server.get(DEPLOYMENT) is None
    assert stage.get(DATABASE)["metadata"]["name"] == "backstage-psql-my"


async def test_a_workload_that_may_be_read_a_moment_later_is_left_alone(
    stage: Stage,
) -> None:
    await _deploy(stage)
    live = stage.get(DEPLOYMENT)
    template = live["spec"]["template"]["metadata"]
    # As the Go operator would have left it.
    template["annotations"]["rhdh.redhat.com/ext-config-hash"] = NOTHING
    live = stage.server.put(DEPLOYMENT, live)
    _deny(stage.server, "deployments", times=1)

    await stage.reconcile()

    assert stage.get(DEPLOYMENT) == live


async def test_what_runs_is_left_alone_while_secrets_must_not_be_read(
    stage: Stage,
) -> None:
    await _deploy(stage)
    before = stage.server.items()
    _deny(stage.server)

    await stage.reconcile()

    assert _without_status(stage.server.items()) == _without_status(before)


async def test_nothing_is_invented_for_a_secret_that_may_be_read_a_moment_later(
    stage: Stage,
) -> None:
    await _deploy(stage)
    before = stage.server.items()
    # Just the two that are read before anything is computed.
    _deny(stage.server, times=len(OWN))

    await stage.reconcile()

    assert _without_status(stage.server.items()) == _without_status(before)


async def test_all_is_done_once_the_right_is_there(stage: Stage) -> None:
    stage.resource(LOCAL)
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"labels": LABELS}}
    stage.server.put(PASSWORD, {**document, "data": KNOWN})
    _deny(stage.server, times=1)

    first = await stage.reconcile()
    second = await stage.reconcile()

    assert conditions(first)["Config"] == ("False", "Forbidden")
    assert conditions(second)["Config"] == ("True", "Valid")
    data = stage.get(PASSWORD)["data"]
    assert data["POSTGRES_PASSWORD"] == KNOWN["POSTGRES_PASSWORD"]
    assert _secrets(stage.server) == [BACKEND_SECRET, *OWN]


class Watched:
    """An instance whose objects come from caches, filled by label as watches do."""

    def __init__(self, server: ApiServer, client: kube.Client) -> None:
        self._caches = {kind: kube.Cache() for kind in kube.OWNED}
        environment = Environment(
            default=config.DefaultConfig.shipped("backstage.io"),
            platform=resources.Platform(),
        )
        live = CachedLive(client, self._caches)
        reconciler = Reconciler(client, environment, live=live)
        self.stage = Stage(server, client, reconciler=reconciler)

    async def reconcile(self) -> None:
        """Reconcile with what the watches have shown by now."""
        found = [kube.Observed.of(document) for _, document in self._items()]
        for kind, cache in self._caches.items():
            mine = [item for item in found if kube.find_kind(item.ref) == kind]
            cache.replace(mine, self.stage.server.version)
        await self.stage.reconcile()

    def _items(self) -> list[tuple[Key, Document]]:
        items = self.stage.server.items()
        return [(k, d) for k, d in items if d["metadata"].get("labels")]

    def strip(self, key: Key) -> None:
        """Take the labels off an object, so that no watch shows it."""
        live = self.stage.get(key)
        live["metadata"]["labels"] = {}
        self.stage.server.put(key, live)


@pytest.fixture
async def watched(server: ApiServer, client: kube.Client) -> Watched:
    """A portal that runs, watched."""
    made = Watched(server, client)
    made.stage.resource(WITHOUT_DATABASE)
    await made.reconcile()
    made.stage.finish_rollout()
    await made.reconcile()
    return made


async def test_a_checksum_key_without_our_labels_restarts_nothing(
    watched: Watched,
) -> None:
    before = watched.stage.get(DEPLOYMENT)
    key = watched.stage.get(CHECKSUM_KEY)
    watched.strip(CHECKSUM_KEY)

    await watched.reconcile()

    assert watched.stage.get(DEPLOYMENT) == before
    after = watched.stage.get(CHECKSUM_KEY)
    assert (after["data"], after["metadata"]["labels"]) == (key["data"], LABELS)


async def test_a_workload_without_our_labels_keeps_what_it_carries(
    watched: Watched,
) -> None:
    live = watched.stage.get(DEPLOYMENT)
    template = live["spec"]["template"]["metadata"]
    # As the Go operator would have left it.
    template["annotations"]["rhdh.redhat.com/ext-config-hash"] = NOTHING
    watched.stage.server.put(DEPLOYMENT, live)
    watched.stage.finish_rollout()
    await watched.reconcile()
    before = watched.stage.get(DEPLOYMENT)
    watched.strip(DEPLOYMENT)

    await watched.reconcile()

    after = watched.stage.get(DEPLOYMENT)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


async def test_an_instance_that_is_as_it_should_be_reads_nothing_of_its_own(
    watched: Watched,
) -> None:
    await watched.reconcile()

    assert watched.stage.server.requests == []


async def test_a_portal_that_waits_for_its_database_is_asked_for_once(
    server: ApiServer, client: kube.Client
) -> None:
    waiting = Watched(server, client)
    waiting.stage.resource({})
    asked = []
    for _ in range(3):
        await waiting.reconcile()
        asked.append([r.key for r in server.seen("get") if r.key == DEPLOYMENT])

    assert asked == [[DEPLOYMENT], [], []]


def _without_status(items: list[tuple[Key, Document]]) -> dict[Key, Any]:
    return {
        key: {name: value for name, value in item.items() if name != "status"}
        for key, item in items
        if key.plural != "backstages"
    }
