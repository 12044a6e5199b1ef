"""The local database's data never meet a wrong password or a wrong PostgreSQL."""

import base64

import pytest
from tests.operator.stage import CLAIM, DATABASE, DEPLOYMENT, LABELS, PASSWORD, Stage
from tests.support.apiserver import ApiServer

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.graph import Status
from backstage_op.operator import Retry

CLAIM_DOCUMENT: Document = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
KNOWN = {"POSTGRES_PASSWORD": base64.b64encode(b"known").decode()}


@pytest.fixture
def stage(server: ApiServer, client: kube.Client) -> Stage:
    return Stage(server, client)


@pytest.fixture
def newer(server: ApiServer, client: kube.Client) -> Stage:
    """The same instance, after an upgrade of the operator."""
    return Stage(server, client, postgresql="quay.io/fedora/postgresql-18:latest")


def _secret(data: dict[str, str]) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"labels": LABELS},
        "data": data,
    }


@pytest.mark.parametrize("data", [None, {}, {"POSTGRES_PASSWORD": ""}])
async def test_no_password_is_invented_while_there_are_data(
    stage: Stage, data: dict[str, str] | None
) -> None:
    stage.server.put(CLAIM, CLAIM_DOCUMENT)
    if data is not None:
        stage.server.put(PASSWORD, _secret(data))
    stage.resource({})

    result = await stage.reconcile()

    assert result.report is not None
    outcome = result.report["db-secret"]
    assert (outcome.status, outcome.reason) == (Status.FAILED, "PasswordLost")
    assert "restore" in outcome.message
    assert result.retry is Retry.LATER
    assert stage.server.get(DATABASE) is None
    assert stage.server.get(DEPLOYMENT) is None


async def test_the_password_of_the_data_is_used_again(stage: Stage) -> None:
    stage.server.put(CLAIM, CLAIM_DOCUMENT)
    stage.server.put(PASSWORD, _secret(KNOWN))
    stage.resource({})

    result = await stage.reconcile()

    data = stage.get(PASSWORD)["data"]
    assert data["POSTGRES_PASSWORD"] == KNOWN["POSTGRES_PASSWORD"]
    assert data["POSTGRESQL_ADMIN_PASSWORD"] == KNOWN["POSTGRES_PASSWORD"]
    assert result.report is not None
    assert result.report.with_status(Status.FAILED) == {}


async def test_an_emptied_secret_without_data_is_filled_again(stage: Stage) -> None:
    stage.resource({})
    await stage.reconcile()
    stage.server.put(PASSWORD, _secret({}))

    await stage.reconcile()

    assert stage.get(PASSWORD)["data"]["POSTGRES_PASSWORD"]
    await stage.reconcile()
    assert stage.writes() == []


def _stop(stage: Stage) -> None:
    """Make the database say that none of its pods is ready."""
    live = stage.get(DATABASE)
    stage.server.put(DATABASE, {**live, "status": {"replicas": 1}})


@pytest.mark.parametrize(
    ("is_ready", "has_portal"), [(True, True), (True, False), (False, True)]
)
async def test_another_major_version_does_not_touch_the_data(
    stage: Stage, newer: Stage, *, is_ready: bool, has_portal: bool
) -> None:
    stage.resource({})
    await stage.reconcile()
    stage.server.put(CLAIM, CLAIM_DOCUMENT)
    stage.finish_rollout(DATABASE)
    if has_portal:
        await stage.reconcile()
    if not is_ready:
        _stop(stage)
    before = stage.get(DATABASE)

    result = await newer.reconcile()

    assert result.report is not None
    outcome = result.report["db-statefulset"]
    assert (outcome.status, outcome.reason) == (Status.FAILED, "MajorUpgradeRequired")
    assert stage.get(DATABASE) == before


async def test_a_claim_that_no_database_has_written_takes_any_version(
    stage: Stage, newer: Stage
) -> None:
    image = "quay.io/fedora/postgresql-17:no-such-tag"
    stage.resource({"database": {"local": {"image": image}}})
    await stage.reconcile()
    stage.server.put(CLAIM, CLAIM_DOCUMENT)
    _stop(stage)
    stage.resource({})

    result = await newer.reconcile()

    assert result.report is not None
    assert result.report.with_status(Status.FAILED) == {}
    labels = stage.get(PASSWORD)["metadata"]["labels"]
    assert labels["rhdh.redhat.com/postgresql-major"] == "18"


async def test_the_version_of_the_data_is_known_after_the_resource_is_gone(
    stage: Stage, newer: Stage
) -> None:
    stage.resource({})
    await stage.reconcile()
    stage.server.put(CLAIM, CLAIM_DOCUMENT)
    stage.server.drop(DATABASE)

    result = await newer.reconcile()

    assert result.report is not None
    assert result.report["db-statefulset"].reason == "MajorUpgradeRequired"
    assert stage.server.get(DATABASE) is None


async def test_without_data_any_version_starts(stage: Stage, newer: Stage) -> None:
    stage.resource({})
    await stage.reconcile()

    result = await newer.reconcile()

    assert result.report is not None
    assert result.report.with_status(Status.FAILED) == {}
    labels = stage.get(PASSWORD)["metadata"]["labels"]
    assert labels["rhdh.redhat.com/postgresql-major"] == "18"
