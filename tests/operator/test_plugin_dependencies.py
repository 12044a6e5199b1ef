"""What plugins depend on: of any kind, anywhere, and no obstacle to the rest."""

from __future__ import annotations

import httpx2
import msgspec
import pytest
from tests.operator.stage import (
    DEPLOYMENT,
    LABELS,
    RESOURCE,
    WITHOUT_DATABASE,
    conditions,
    owner,
)
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, Request, status

from backstage_op import api, config, kube, resources
from backstage_op.document import Document
from backstage_op.graph import Status
from backstage_op.operator import Environment, Reconciler, Result, Retry

API = "sonataflow.org/v1alpha08"
PLATFORM = Key(API, "sonataflowplatforms", "ns", "my-flows")
NODE = "plugin-deps/SonataFlowPlatform/my-flows"
SERVED = [
    {"name": "sonataflowplatforms", "kind": "SonataFlowPlatform", "namespaced": True}
]
FLOWS = (
    f"apiVersion: {API}\nkind: SonataFlowPlatform\n"
    "metadata: {name: '{{backstage-name}}-flows'}\nspec: {a: 1}\n"
)
JOB = (
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n"
    "spec: {ttlSecondsAfterFinished: 60}\n"
)
JOB_KEY = Key("batch/v1", "jobs", "ns", "j")
DISTANT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: far, namespace: other}\n"
DISTANT_KEY = Key("v1", "configmaps", "other", "far")
DISTANT_NODE = "plugin-deps/ConfigMap/far/other"
ROLE = (
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
)


class Stage:
    """The resource ``my``, with one plugin that depends on one file."""

    def __init__(self, server: ApiServer, client: kube.Client, text: str) -> None:
        self.server = server
        self._reconciler = Reconciler(
            client,
            Environment(
                default=msgspec.structs.replace(
                    config.DefaultConfig.shipped("rhdh"),
                    plugin_dependencies={"needed.yaml": text},
                ),
                platform=resources.Platform(),
            ),
        )
        plugin = {"package": "./a", "dependencies": [{"ref": "needed"}]}
        spec = WITHOUT_DATABASE | {"application": {"dynamicPlugins": [plugin]}}
        self.uid: str = server.put(
            RESOURCE,
            {
                "apiVersion": RESOURCE.api_version,
                "kind": "Backstage",
                "metadata": {},
                "spec": spec,
            },
        )["metadata"]["uid"]

    async def reconcile(self) -> Result:
        self.server.requests.clear()
        document = self.server.get(RESOURCE)
        assert document is not None
        return await self._reconciler.reconcile(api.decode(document))

    def writes(self) -> list[str]:
        return [
            f"{request.verb} {request.key.plural}"
            for request in self.server.requests
            if request.verb in ("create", "apply", "patch", "delete")
        ]

    def get(self, key: Key) -> Document:
        found = self.server.get(key)
        assert found is not None, f"{key} is absent"
        return found


def outcome(result: Result, key: str) -> tuple[Status, str]:
    assert result.report is not None
    return result.report[key].status, result.report[key].reason


async def test_an_object_of_a_kind_that_the_cluster_serves_is_kept_as_it_should_be(
    server: ApiServer, client: kube.Client
) -> None:
    server.resources[API] = SERVED
    stage = Stage(server, client, FLOWS)

    await stage.reconcile()

    made = stage.get(PLATFORM)
    assert made["spec"] == {"a": 1}
    assert made["metadata"]["labels"] == LABELS
    assert made["metadata"]["ownerReferences"] == [owner(stage.uid)]
    await stage.reconcile()
    assert stage.writes() == []
    server.put(PLATFORM, {**made, "spec": {"a": 2}})
    await stage.reconcile()
    assert stage.get(PLATFORM)["spec"] == {"a": 1}


async def test_a_missing_api_holds_nothing_else_back_and_is_noticed_when_it_comes(
    server: ApiServer, client: kube.Client
) -> None:
    stage = Stage(server, client, FLOWS)

    missing = await stage.reconcile()

    assert outcome(missing, NODE) == (Status.WAITING, "DependencyMissing")
    assert missing.retry is Retry.LATER
    assert conditions(missing)["Config"] == ("False", "DependencyMissing")
    assert conditions(missing)["Deployed"] == ("False", "DeployInProgress")
    (message,) = (
        condition.message
        for condition in missing.backstage.status.conditions
        if condition.type == "Config"
    )
    assert message == (
        f"discover SonataFlowPlatform of {API}: 404 "
        "the API server does not serve this kind; install its API"
    )
    assert stage.get(DEPLOYMENT)["metadata"]["name"] == "backstage-my"

    server.resources[API] = SERVED
    present = await stage.reconcile()

    assert conditions(present)["Config"] == ("True", "Valid")
    assert stage.get(PLATFORM)["spec"] == {"a": 1}


async def test_an_api_that_is_removed_again_is_told_as_well(
    server: ApiServer, client: kube.Client
) -> None:
    server.resources[API] = SERVED
    stage = Stage(server, client, FLOWS)
    await stage.reconcile()
    server.drop(PLATFORM)
    del server.resources[API]
    server.absent.add(PLATFORM.plural)

    await stage.reconcile()
    removed = await stage.reconcile()

    assert outcome(removed, NODE) == (Status.WAITING, "DependencyMissing")


async def test_a_foreign_object_is_left_alone_and_the_rest_is_applied(
    server: ApiServer, client: kube.Client
) -> None:
    server.resources[API] = SERVED
    stage = Stage(server, client, FLOWS)
    foreign = {
        "apiVersion": API,
        "kind": "SonataFlowPlatform",
        "metadata": {"ownerReferences": [owner("x", name="other")]},
    }
    before = server.put(PLATFORM, foreign)

    result = await stage.reconcile()

    assert outcome(result, NODE) == (Status.FAILED, "OwnershipConflict")
    assert stage.get(PLATFORM) == before
    assert stage.get(DEPLOYMENT)["metadata"]["name"] == "backstage-my"


async def test_a_job_that_is_there_is_left_alone(
    server: ApiServer, client: kube.Client
) -> None:
    stage = Stage(server, client, JOB)
    await stage.reconcile()
    finished = {**stage.get(JOB_KEY), "spec": {}, "status": {"succeeded": 1}}
    server.put(JOB_KEY, finished)

    await stage.reconcile()

    assert stage.writes() == []
    assert stage.get(JOB_KEY)["status"] == {"succeeded": 1}


async def test_an_object_elsewhere_is_ours_by_its_labels(
    server: ApiServer, client: kube.Client
) -> None:
    stage = Stage(server, client, DISTANT)
    await stage.reconcile()
    made = stage.get(DISTANT_KEY)
    assert "ownerReferences" not in made["metadata"]

    server.put(DISTANT_KEY, {**made, "data": {"b": "somebody's"}})
    await stage.reconcile()
    assert stage.writes() == []
    labels = {**made["metadata"]["labels"], api.GROUP + "/backstage-namespace": "x"}
    other = {**made, "metadata": {**made["metadata"], "labels": labels}}
    server.put(DISTANT_KEY, other)

    result = await stage.reconcile()

    assert outcome(result, DISTANT_NODE) == (Status.FAILED, "OwnershipConflict")


async def test_nothing_of_the_whole_cluster_is_made_for_one_instance(
    server: ApiServer, client: kube.Client
) -> None:
    role = {"name": "clusterroles", "kind": "ClusterRole", "namespaced": False}
    server.resources["rbac.authorization.k8s.io/v1"] = [role]
    stage = Stage(server, client, ROLE)

    result = await stage.reconcile()

    assert outcome(result, "plugin-deps/ClusterRole/r") == (
        Status.FAILED,
        "ClusterScoped",
    )
    assert "apply clusterroles" not in stage.writes()
    assert stage.get(DEPLOYMENT)["metadata"]["name"] == "backstage-my"


@pytest.mark.parametrize("verb", ["resources", "get"])
async def test_a_missing_right_is_told_and_tried_again_later(
    server: ApiServer, client: kube.Client, verb: str
) -> None:
    server.resources[API] = SERVED
    stage = Stage(server, client, FLOWS)
    await stage.reconcile()
    client.forget_kind(kube.ResourceKind(API, "SonataFlowPlatform", "x").ref("ns", "a"))
    forbidden = status(403, "Forbidden", "no")

    async def only_here(request: Request) -> httpx2.Response:
        if request.key.api_version == API:
            return await forbidden(request)
        return server.serve(request)

    server.answer(verb, *[only_here] * 50)
    result = await stage.reconcile()

    assert outcome(result, NODE) == (Status.FAILED, "Forbidden")
    assert result.retry is Retry.LATER
