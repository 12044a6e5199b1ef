"""When the status is written, and what never gets into it."""

from __future__ import annotations

import base64
from typing import Any

import anyio
import httpx2
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Request, status

from backstage_op import api, config, errors, kube, resources
from backstage_op.document import Document
from backstage_op.graph import Report
from backstage_op.operator.findings import Findings, Seen
from backstage_op.operator.live import DirectLive
from backstage_op.operator.pods import PodBook
from backstage_op.operator.publisher import (
    PASSING_SECONDS,
    Published,
    Publisher,
)

from .stage import DATABASE, DEPLOYMENT, PASSWORD, RESOURCE, WITHOUT_DATABASE

LABEL = "rhdh.redhat.com/app"
REVISION = "deployment.kubernetes.io/revision"
WORDS = "cannot log in with do-not-tell as well-hidden"
PORTAL = Seen(name="Deployment backstage-my")


@pytest.fixture
def pods() -> PodBook:
    return PodBook()


@pytest.fixture
def publisher(client: kube.Client, pods: PodBook) -> Publisher:
    return Publisher(client, DirectLive(client), pods)


def _resource(server: ApiServer, spec: Document | None = None) -> api.Backstage:
    """Store the resource, and return it."""
    document = {
        "apiVersion": RESOURCE.api_version,
        "kind": "Backstage",
        "metadata": {},
        "spec": WITHOUT_DATABASE if spec is None else spec,
    }
    return api.decode(server.put(RESOURCE, document))


def _inputs(
    backstage: api.Backstage, **sources: resources.SourceData
) -> resources.Inputs:
    return resources.Inputs(
        backstage=backstage,
        default=config.DefaultConfig.shipped("backstage.io"),
        platform=resources.Platform(),
        sources={
            resources.Source("Secret", name): data for name, data in sources.items()
        },
        claims=frozenset(),
        database_password="new",
        checksum_key=b"key",
    )


def _let_crash(server: ApiServer, pods: PodBook) -> None:
    """Let the portal's pod crash with words that hold Secrets."""
    labels = {LABEL: "backstage-my"}
    stored = server.put(
        DEPLOYMENT,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"annotations": {REVISION: "1"}},
            "spec": {"selector": {"matchLabels": labels}},
            "status": {"observedGeneration": 1},
        },
    )
    owner = {"kind": "Deployment", "apiVersion": "apps/v1", "name": "backstage-my"}
    labels["pod-template-hash"] = "hash"
    pods.replica_sets.upsert(
        _observed(
            "apps/v1",
            "ReplicaSet",
            labels=labels,
            annotations={REVISION: "1"},
            ownerReferences=[
                {**owner, "uid": stored["metadata"]["uid"], "controller": True}
            ],
        )
    )
    ended = {"terminated": {"exitCode": 1, "message": WORDS}}
    container = {"name": "main", "restartCount": 3, "state": ended}
    status = {"phase": "Running", "containerStatuses": [container]}
    pods.pods.upsert(_observed("v1", "Pod", status=status, labels=labels))


def _observed(
    api_version: str, kind: str, *, status: Document | None = None, **metadata: Any
) -> kube.Observed:
    return kube.Observed.of(
        {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": "a", "namespace": "ns", **metadata},
            "status": status or {},
        }
    )


def _details(findings: Findings) -> list[str]:
    return [ailment.detail for ailment in findings.portal.ailments]


async def test_workloads_that_are_not_there_are_found_absent(
    server: ApiServer, publisher: Publisher
) -> None:
    backstage = _resource(server, {})

    found = await publisher.find(backstage, _inputs(backstage))

    database = Seen(name="StatefulSet backstage-psql-my")
    assert found == Findings(portal=PORTAL, database=database)


async def test_a_database_elsewhere_is_not_looked_for(
    server: ApiServer, publisher: Publisher
) -> None:
    backstage = _resource(server)

    found = await publisher.find(backstage, _inputs(backstage))

    assert found == Findings(portal=PORTAL)
    assert [r.key for r in server.requests if r.key == DATABASE] == []


async def test_a_crash_is_told_without_the_values_of_secrets(
    server: ApiServer, publisher: Publisher, pods: PodBook
) -> None:
    backstage = _resource(server)
    _let_crash(server, pods)
    password = base64.b64encode(b"well-hidden").decode()
    server.put(
        PASSWORD,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {},
            "data": {"POSTGRES_PASSWORD": password},
        },
    )
    token = resources.SourceData({"TOKEN": b"do-not-tell"})

    found = await publisher.find(backstage, _inputs(backstage, token=token))

    assert _details(found) == ["cannot log in with *** as ***"]


async def test_a_crash_is_told_without_words_if_no_secret_could_be_read(
    server: ApiServer, publisher: Publisher, pods: PodBook
) -> None:
    backstage = _resource(server)
    _let_crash(server, pods)

    found = await publisher.find(backstage, None)

    assert _details(found) == [""]


async def test_a_crash_is_told_without_words_if_a_secret_must_not_be_read(
    server: ApiServer, publisher: Publisher, pods: PodBook
) -> None:
    backstage = _resource(server)
    _let_crash(server, pods)

    async def answer(request: Request) -> httpx2.Response:
        if request.key == PASSWORD:
            return await status(403, "Forbidden")(request)
        return server.serve(request)

    server.answer("get", answer, answer)

    found = await publisher.find(backstage, _inputs(backstage))

    assert _details(found) == [""]


async def test_what_is_published_is_stored_and_said_once(
    server: ApiServer, publisher: Publisher
) -> None:
    backstage = _resource(server)
    findings = Findings(portal=PORTAL, report=Report({}))

    published = await publisher.publish(backstage, findings)
    again = await publisher.publish(published.backstage, findings)

    (request,) = server.seen("patch")
    assert request.subresource == "status"
    assert not published.is_held
    assert again == published
    stored = server.get(RESOURCE)
    assert stored is not None
    assert api.decode(stored).status == published.backstage.status
    reasons = {c.type: c.reason for c in published.backstage.status.conditions}
    assert reasons == {
        "Deployed": "DeployInProgress",
        "Runtime": "Pending",
        "Config": "Valid",
        "Database": "External",
        "Reconciling": "DeployInProgress",
    }


def _starting(*, is_ready: bool) -> Findings:
    """Return what is found while a portal waits for its database, or has it."""
    readiness = resources.Readiness(ready=is_ready)
    name = "StatefulSet backstage-psql-my"
    return Findings(portal=PORTAL, database=Seen(name=name, readiness=readiness))


@pytest.mark.virtual_clock
async def test_a_database_that_gets_ready_meanwhile_is_held_back_for_a_while(
    server: ApiServer, publisher: Publisher
) -> None:
    waiting, ready = _starting(is_ready=False), _starting(is_ready=True)
    told = (await publisher.publish(_resource(server, {}), waiting)).backstage
    await anyio.sleep(3600)

    first = await publisher.publish(told, ready)
    await anyio.sleep(PASSING_SECONDS - 1)
    second = await publisher.publish(told, ready)
    await anyio.sleep(1)
    third = await publisher.publish(told, ready)

    assert first == second == Published(told, is_held=True)
    assert not third.is_held
    reasons = {c.type: c.reason for c in third.backstage.status.conditions}
    assert reasons["Database"] == "Ready"


@pytest.mark.virtual_clock
async def test_what_was_no_news_for_a_moment_is_held_back_anew(
    server: ApiServer, publisher: Publisher
) -> None:
    waiting, ready = _starting(is_ready=False), _starting(is_ready=True)
    told = (await publisher.publish(_resource(server, {}), waiting)).backstage
    await publisher.publish(told, ready)
    await anyio.sleep(PASSING_SECONDS)
    await publisher.publish(told, waiting)

    assert (await publisher.publish(told, ready)).is_held


async def test_a_resource_that_is_gone_is_no_failure(
    server: ApiServer, publisher: Publisher
) -> None:
    backstage = _resource(server)
    server.drop(RESOURCE)

    published = await publisher.publish(backstage, Findings(portal=PORTAL))

    assert published.backstage == backstage


async def test_a_status_that_is_refused_is_a_failure(
    server: ApiServer, publisher: Publisher
) -> None:
    backstage = _resource(server)
    server.answer("patch", status(403, "Forbidden"))

    with pytest.raises(errors.ForbiddenError):
        await publisher.publish(backstage, Findings(portal=PORTAL))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            errors.TransientError("get", "Service ns/a", detail="it is down"),
            "it is down",
        ),
        (ValueError("do-not-tell"), "unexpected ValueError, see the log"),
    ],
)
async def test_a_trouble_that_lasts_is_told_but_not_the_words_of_a_bug(
    server: ApiServer, publisher: Publisher, error: Exception, words: str
) -> None:
    backstage = _resource(server)

    await publisher.tell_trouble(backstage, error)

    stored = server.get(RESOURCE)
    assert stored is not None
    (deployed, _, judged, *_) = api.decode(stored).status.conditions
    assert (deployed.status, deployed.reason) == ("False", "DeployFailed")
    assert (judged.status, judged.reason) == ("Unknown", "NotJudged")
    assert words in deployed.message
    assert "do-not-tell" not in str(stored)
