"""What is no longer wanted is deleted, if it is ours, and when nothing needs it."""

import httpx2
import pytest
from tests.operator.stage import (
    CLAIM,
    DATABASE,
    DEPLOYMENT,
    LABELS,
    PASSWORD,
    RESOURCE,
    WITHOUT_DATABASE,
    Stage,
    conditions,
    owner,
)
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, Request, status

from backstage_op import kube
from backstage_op.graph import Status
from backstage_op.operator import Retry

INGRESS = Key("networking.k8s.io/v1", "ingresses", "ns", "backstage-my")
POLICY = Key("networking.k8s.io/v1", "networkpolicies", "ns", "old")
FLAVOUR = Key("v1", "configmaps", "ns", "backstage-appconfig-my-old")
OTHER_KIND = Key("apps/v1", "statefulsets", "ns", "backstage-my")
OWN_CLAIM = Key("v1", "persistentvolumeclaims", "ns", "backstage-pvcs-my-cache")
WITH_DELETION = {**WITHOUT_DATABASE, "deletionPolicy": "Delete"}


@pytest.fixture
def stage(server: ApiServer, client: kube.Client) -> Stage:
    return Stage(server, client)


async def test_what_is_exposed_goes_at_once(stage: Stage) -> None:
    uid = stage.resource()
    stage.put_owned(INGRESS, "Ingress", uid)

    await stage.reconcile()

    assert stage.server.get(INGRESS) is None
    assert "delete ingresses/backstage-my" in stage.writes()


@pytest.mark.parametrize(
    ("key", "kind"),
    [(FLAVOUR, "ConfigMap"), (OTHER_KIND, "StatefulSet")],
    ids=["configuration", "workload of the other kind"],
)
async def test_what_pods_use_goes_when_the_rollout_is_complete(
    stage: Stage, key: Key, kind: str
) -> None:
    uid = stage.resource()
    stage.put_owned(key, kind, uid, spec={})

    first = await stage.reconcile()

    assert first.report is not None
    assert first.report[f"prune/{kind}/{key.name}"].status is Status.BLOCKED
    assert stage.server.get(key) is not None
    stage.finish_rollout()
    await stage.reconcile()
    assert stage.server.get(key) is None
    await stage.reconcile()
    assert stage.writes() == []


@pytest.mark.parametrize(
    "owners",
    [[], [owner("uid-of-another")], [owner("x", kind="Application")]],
    ids=["nobody's", "another resource's", "another controller's"],
)
async def test_what_the_resource_does_not_control_stays(
    stage: Stage, owners: list[dict[str, object]]
) -> None:
    stage.resource()
    foreign = stage.server.put(
        POLICY,
        {
            "apiVersion": POLICY.api_version,
            "kind": "NetworkPolicy",
            "metadata": {"labels": LABELS, "ownerReferences": owners},
        },
    )

    await stage.reconcile()

    assert stage.server.get(POLICY) == foreign


async def test_every_deletion_names_the_uid(stage: Stage) -> None:
    uid = stage.resource()
    stored = stage.put_owned(INGRESS, "Ingress", uid)

    await stage.reconcile()

    (request,) = stage.server.seen("delete")
    assert request.body["preconditions"] == {"uid": stored["metadata"]["uid"]}


async def test_nothing_is_deleted_for_a_configuration_with_faults(stage: Stage) -> None:
    application = {"appConfig": {"configMaps": [{"name": "absent"}]}}
    uid = stage.resource({**WITHOUT_DATABASE, "application": application})
    stage.put_owned(INGRESS, "Ingress", uid)

    await stage.reconcile()

    assert stage.server.seen("delete") == []


async def test_what_cannot_be_deleted_holds_up_nothing_else(stage: Stage) -> None:
    uid = stage.resource()
    stage.put_owned(INGRESS, "Ingress", uid)
    stage.put_owned(POLICY, "NetworkPolicy", uid)
    stage.server.answer("delete", status(403, "Forbidden", "is forbidden"))

    result = await stage.reconcile()

    assert result.report is not None
    (failed,) = result.report.with_status(Status.FAILED).values()
    assert failed.reason == "DeletionFailed"
    assert conditions(result)["Config"] == ("False", "DeletionFailed")
    assert result.retry is Retry.LATER
    assert [stage.server.get(INGRESS), stage.server.get(POLICY)].count(None) == 1


@pytest.mark.parametrize("unread", [PASSWORD, CLAIM], ids=["password", "claim"])
async def test_data_that_must_not_be_read_are_told_and_hold_up_nothing_else(
    stage: Stage, unread: Key
) -> None:
    uid = stage.resource(WITH_DELETION)
    stage.put_owned(INGRESS, "Ingress", uid)
    stage.put_owned(PASSWORD, "Secret", uid, data={})

    async def answer(request: Request) -> httpx2.Response:
        if request.key == unread:
            return await status(403, "Forbidden")(request)
        return stage.server.serve(request)

    stage.server.answer("get", *[answer] * 50)

    result = await stage.reconcile()

    assert result.report is not None
    assert result.report["prune/data"].reason == "DeletionFailed"
    assert f"ns/{unread.name}: 403" in result.report["prune/data"].message
    assert result.retry is Retry.LATER
    assert stage.server.get(INGRESS) is None
    assert stage.server.get(DEPLOYMENT) is not None


async def test_nothing_is_deleted_for_a_resource_that_has_changed(
    stage: Stage,
) -> None:
    uid = stage.resource()
    stage.put_owned(INGRESS, "Ingress", uid)
    seen = stage.get(RESOURCE)
    stage.resource({**WITHOUT_DATABASE, "flavours": []})

    result = await stage.reconcile(seen)

    assert result.report is not None
    assert result.report["prune/Ingress/backstage-my"].status is Status.WAITING
    assert stage.server.seen("delete") == []


@pytest.mark.parametrize(
    ("key", "kind"),
    [(OWN_CLAIM, "PersistentVolumeClaim"), (PASSWORD, "Secret")],
    ids=["claim", "password"],
)
async def test_retained_data_lose_their_owner_and_outlive_it(
    stage: Stage, key: Key, kind: str
) -> None:
    uid = stage.resource()
    stage.put_owned(key, kind, uid)

    await stage.reconcile()
    stage.finish_rollout()
    await stage.reconcile()

    assert "ownerReferences" not in stage.get(key)["metadata"]
    await stage.reconcile()
    assert stage.writes() == []


async def test_a_claim_is_deleted_if_the_policy_says_so(stage: Stage) -> None:
    uid = stage.resource(WITH_DELETION)
    stage.put_owned(OWN_CLAIM, "PersistentVolumeClaim", uid)

    await stage.reconcile()
    stage.finish_rollout()
    await stage.reconcile()

    assert stage.server.get(OWN_CLAIM) is None


async def test_the_policy_may_change_with_the_wish_for_a_database(
    stage: Stage,
) -> None:
    stage.resource({"deletionPolicy": "Delete"})
    await stage.reconcile()
    stage.finish_rollout(DATABASE)
    await stage.reconcile()
    assert stage.get(PASSWORD)["metadata"]["ownerReferences"]
    policy = "persistentVolumeClaimRetentionPolicy"
    assert stage.get(DATABASE)["spec"][policy] == {"whenDeleted": "Delete"}

    stage.resource(WITHOUT_DATABASE)
    for _ in range(2):
        await stage.reconcile()
        stage.finish_rollout()

    assert stage.get(DATABASE)["spec"][policy] == {"whenDeleted": "Retain"}
    assert "ownerReferences" not in stage.get(PASSWORD)["metadata"]


async def test_a_database_that_is_not_wanted_is_stopped_and_starts_again(
    stage: Stage,
) -> None:
    stage.resource({})
    await stage.reconcile()
    stage.finish_rollout(DATABASE)
    await stage.reconcile()
    stage.finish_rollout()

    stage.resource(WITHOUT_DATABASE)
    await stage.reconcile()
    assert "replicas" not in stage.get(DATABASE)["spec"]
    stage.finish_rollout()
    await stage.reconcile()

    assert stage.get(DATABASE)["spec"]["replicas"] == 0
    assert stage.server.get(PASSWORD) is not None
    await stage.reconcile()
    assert stage.writes() == []


async def test_a_database_is_deleted_with_its_data_if_the_policy_says_so(
    stage: Stage,
) -> None:
    stage.resource({})
    await stage.reconcile()
    stage.finish_rollout(DATABASE)
    await stage.reconcile()
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"labels": {"rhdh.redhat.com/app": "backstage-psql-my"}},
    }
    stage.server.put(CLAIM, claim)

    stage.resource(WITH_DELETION)
    await stage.reconcile()
    stage.finish_rollout(DEPLOYMENT)
    await stage.reconcile()

    left = [stage.server.get(key) for key in (DATABASE, PASSWORD, CLAIM)]
    assert left == [None, None, None]
