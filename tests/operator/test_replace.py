"""What the API server refuses to change is made anew, if nothing is lost."""

import pytest
from tests.operator.stage import CLAIM, LABELS, SERVICE, Stage, conditions
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, status

from backstage_op import errors, kube
from backstage_op.document import Document
from backstage_op.graph import Status
from backstage_op.operator import DirectLive, Retry
from backstage_op.operator.replace import Replacer, is_immutable

REFUSED = status(422, "Invalid", "spec.clusterIPs[0]: may not change once set")


@pytest.fixture
def stage(server: ApiServer, client: kube.Client) -> Stage:
    return Stage(server, client)


def _rejected(detail: str) -> errors.RejectedError:
    return errors.RejectedError("apply", "x", status=422, detail=detail)


def _workload(kind: str, *names: str, **labels: str) -> Document:
    wanted = dict.fromkeys(names, "a")
    template = {"metadata": {"labels": labels}, "spec": {}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "ns"},
        "spec": {"selector": {"matchLabels": wanted}, "template": template},
    }


async def test_a_service_is_deleted_and_created(stage: Stage) -> None:
    stage.resource()
    await stage.reconcile()
    live = stage.get(SERVICE)
    old = live["metadata"]["uid"]
    stage.server.put(SERVICE, {**live, "spec": {"clusterIP": "10.0.0.1"}})
    stage.server.answer("apply", REFUSED)

    result = await stage.reconcile()

    assert stage.get(SERVICE)["metadata"]["uid"] != old
    assert conditions(result)["Config"] == ("True", "Valid")
    await stage.reconcile()
    assert stage.writes() == []


async def test_nothing_is_deleted_for_what_could_not_be_created(stage: Stage) -> None:
    stage.resource()
    await stage.reconcile()
    live = stage.get(SERVICE)
    stage.server.put(SERVICE, {**live, "spec": {"clusterIP": "10.0.0.1"}})
    stage.server.answer("apply", REFUSED, status(422, "Invalid", "spec: is wrong"))

    result = await stage.reconcile()

    assert stage.server.seen("delete") == []
    assert result.report is not None
    assert result.report["service"].status is Status.FAILED
    assert result.retry is Retry.LATER


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_a_workload_leaves_its_pods_to_the_new_one(
    server: ApiServer, client: kube.Client, kind: str
) -> None:
    plural = f"{kind.lower()}s"
    key = Key("apps/v1", plural, "ns", "a")
    live = server.put(key, _workload(kind, "old", old="a", new="a"))

    outcome, is_begun = await Replacer(client, DirectLive(client)).replace(
        _workload(kind, "new", old="a", new="a"), live, _rejected("")
    )

    (request,) = server.seen("delete")
    assert request.body["propagationPolicy"] == "Orphan"
    assert (outcome.status, is_begun) == (Status.WAITING, True)


async def test_a_deployment_takes_pods_along_that_the_new_one_would_not_know(
    server: ApiServer, client: kube.Client
) -> None:
    key = Key("apps/v1", "deployments", "ns", "a")
    live = server.put(key, _workload("Deployment", "old", old="a"))

    await Replacer(client, DirectLive(client)).replace(
        _workload("Deployment", "new", new="a"), live, _rejected("")
    )

    (request,) = server.seen("delete")
    assert request.body["propagationPolicy"] == "Background"


@pytest.mark.parametrize(
    "desired",
    [
        _workload("StatefulSet", "new", new="a"),
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": CLAIM.name, "namespace": "ns", "labels": LABELS},
        },
    ],
    ids=["StatefulSet of other pods", "claim"],
)
async def test_data_are_never_put_at_risk(
    server: ApiServer, client: kube.Client, desired: Document
) -> None:
    live = _workload("StatefulSet", "old", old="a")

    outcome, is_begun = await Replacer(client, DirectLive(client)).replace(
        desired, live, _rejected("spec is immutable after creation")
    )

    assert server.requests == []
    assert (outcome.reason, is_begun) == ("ImmutableField", False)
    assert "undo the change" in outcome.message


@pytest.mark.parametrize(
    ("kind", "live", "detail", "answer"),
    [
        ("Service", {}, "spec.clusterIPs[0]: may not change once set", True),
        ("Service", {}, "spec.ports: Required value", False),
        ("ConfigMap", {"immutable": True}, "", True),
        ("ConfigMap", {}, "data: field is immutable when `immutable` is set", False),
        ("Secret", {"immutable": True}, "fields: data", True),
    ],
)
def test_what_counts_as_never_changing(
    kind: str, live: Document, detail: str, answer: bool
) -> None:
    assert is_immutable(_rejected(detail), {"kind": kind}, live) is answer
