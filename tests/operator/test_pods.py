"""What the watches of pods show, and whom it is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, status

from backstage_op import kube, resources
from backstage_op.document import Document
from backstage_op.operator.findings import Seen
from backstage_op.operator.live import DirectLive
from backstage_op.operator.pods import PodBook

MY = ("ns", "my")
PORTAL = "backstage-my"
LABEL = "rhdh.redhat.com/app"
INSTANCE = resources.Instance(namespace="ns", name="my", uid="uid")
DEPLOYMENT = Key("apps/v1", "deployments", "ns", PORTAL)
REF = kube.DEPLOYMENT.ref("ns", PORTAL)
REVISION = "deployment.kubernetes.io/revision"


class Book:
    """A book that follows the instance ``my``, and notes what it tells."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.book = PodBook(self.told.append)
        self.book.follow(INSTANCE)

    def news(self) -> list[tuple[str, str]]:
        """Return what was told since the last call."""
        told, self.told[:] = list(self.told), []
        return told


@pytest.fixture
def book() -> Book:
    return Book()


def _pod(
    name: str = "a",
    *,
    app: str = PORTAL,
    namespace: str = "ns",
    waiting: str = "",
    version: int = 1,
    **metadata: Any,
) -> kube.Observed:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    container = {"name": "main", "ready": not waiting, "state": state}
    return kube.Observed.of(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "resourceVersion": str(version),
                "labels": {LABEL: app, "pod-template-hash": "new"},
                **metadata,
            },
            "status": {"phase": "Running", "containerStatuses": [container]},
        }
    )


def _replica_set(template_hash: str, revision: str) -> kube.Observed:
    return kube.Observed.of(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{PORTAL}-{template_hash}",
                "namespace": "ns",
                "labels": {LABEL: PORTAL, "pod-template-hash": template_hash},
                "annotations": {REVISION: revision},
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "Deployment",
                        "name": PORTAL,
                        "uid": "uid-1",
                        "controller": True,
                    }
                ],
            },
        }
    )


def _deployment(revision: str = "2") -> Document:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"annotations": {REVISION: revision}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {LABEL: PORTAL}}},
        "status": {"observedGeneration": 1, "replicas": 2, "availableReplicas": 1},
    }


@pytest.mark.parametrize("app", [PORTAL, "backstage-psql-my"])
def test_a_pod_of_portal_or_database_is_news(book: Book, app: str) -> None:
    book.book.pods.upsert(_pod(app=app))
    assert book.news() == [MY]

    book.book.pods.upsert(_pod(app=app, waiting="ImagePullBackOff"))
    assert book.news() == [MY]

    book.book.pods.remove(_pod(app=app))
    assert book.news() == [MY]


def test_what_says_nothing_new_is_no_news(book: Book) -> None:
    book.book.pods.upsert(_pod())
    book.news()

    book.book.pods.upsert(_pod(version=2, annotations={"note": "other"}))
    book.book.pods.replace([_pod(version=3)], 3)
    book.book.pods.remove(_pod("never-seen"))

    assert book.news() == []


@pytest.mark.parametrize(
    "pod", [_pod(app="backstage-other"), _pod(namespace="elsewhere")]
)
def test_the_pods_of_others_are_no_news(book: Book, pod: kube.Observed) -> None:
    book.book.pods.upsert(pod)

    assert book.news() == []


def test_an_instance_that_is_gone_is_told_nothing(book: Book) -> None:
    book.book.forget(MY)

    book.book.pods.upsert(_pod())

    assert book.news() == []


def test_a_new_list_tells_what_differs_also_what_is_gone(book: Book) -> None:
    other = resources.Instance(namespace="ns", name="other", uid="uid-2")
    book.book.follow(other)
    book.book.pods.replace([_pod(), _pod("b", app="backstage-other")], 1)
    assert book.news() == [MY, ("ns", "other")]

    book.book.pods.replace([_pod(version=2)], 2)

    assert book.news() == [("ns", "other")]
    assert list(book.book.pods.of(("ns", "backstage-other"))) == []


def test_a_new_list_of_one_namespace_leaves_the_others_alone(book: Book) -> None:
    elsewhere = _pod(namespace="elsewhere")
    book.book.pods.replace([_pod()], 1, "ns")
    book.book.pods.replace([elsewhere], 1, "elsewhere")
    book.news()

    book.book.pods.replace([], 2, "elsewhere")

    assert book.news() == []
    assert len(list(book.book.pods.of(("ns", PORTAL)))) == 1
    assert list(book.book.pods.of(("elsewhere", PORTAL))) == []


def test_a_pod_that_gets_the_label_of_another_workload_goes_there(
    book: Book,
) -> None:
    book.book.follow(resources.Instance(namespace="ns", name="other", uid="uid-2"))
    book.book.pods.upsert(_pod(waiting="ImagePullBackOff"))
    book.news()

    book.book.pods.upsert(_pod(app="backstage-other", waiting="ImagePullBackOff"))

    assert book.news() == [MY, ("ns", "other")]
    assert list(book.book.pods.of(("ns", PORTAL))) == []
    assert len(list(book.book.pods.of(("ns", "backstage-other")))) == 1


def test_a_pod_that_is_deleted_is_gone_whatever_its_label_says_by_then(
    book: Book,
) -> None:
    book.book.pods.replace([_pod()], 1)
    book.news()

    book.book.pods.remove(_pod(app="backstage-other", version=2))

    assert book.news() == [MY]
    assert list(book.book.pods.of(("ns", PORTAL))) == []


def test_only_what_belongs_to_a_workload_is_kept(book: Book) -> None:
    bare = kube.Observed.of(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}}
    )

    assert book.book.pods.keeps(_pod())
    assert not book.book.pods.keeps(bare)


async def test_the_pods_of_the_current_revision_tell_what_is_wrong(
    server: ApiServer, client: kube.Client, book: Book
) -> None:
    server.put(DEPLOYMENT, _deployment())
    book.book.replica_sets.replace([_replica_set("old", "1")], 1)
    book.book.replica_sets.upsert(_replica_set("new", "2"))
    old = {LABEL: PORTAL, "pod-template-hash": "old"}
    book.book.pods.replace(
        [_pod("a", waiting="Bad", labels=old), _pod("b", waiting="ImagePullBackOff")], 1
    )

    seen = await book.book.seen(DirectLive(client), REF)

    subject = "container main of pod b: ImagePullBackOff"
    assert seen.ailments == (resources.Ailment(is_failure=True, subject=subject),)
    assert (seen.name, seen.wanted, seen.available) == (f"Deployment {PORTAL}", 2, 1)
    assert not seen.is_ready


async def test_no_pod_is_judged_before_its_replica_set_is_seen(
    server: ApiServer, client: kube.Client, book: Book
) -> None:
    server.put(DEPLOYMENT, _deployment())
    book.book.replica_sets.upsert(_replica_set("old", "1"))
    book.book.pods.upsert(_pod(waiting="ImagePullBackOff"))

    seen = await book.book.seen(DirectLive(client), REF)

    assert seen.ailments == ()


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"app.kubernetes.io/name": "backstage"}},
        {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
    ],
    ids=["other labels", "expressions alone"],
)
async def test_a_workload_that_selects_pods_of_its_own_is_seen_without_pods(
    server: ApiServer, client: kube.Client, book: Book, selector: Document
) -> None:
    server.put(DEPLOYMENT, {**_deployment(), "spec": {"selector": selector}})
    book.book.replica_sets.upsert(_replica_set("new", "2"))
    book.book.pods.upsert(_pod(waiting="ImagePullBackOff"))

    seen = await book.book.seen(DirectLive(client), REF)

    assert (seen.available, seen.ailments) == (1, ())


@pytest.mark.parametrize("code", [404, 403])
async def test_a_workload_that_cannot_be_read_is_as_if_absent(
    server: ApiServer, client: kube.Client, book: Book, code: int
) -> None:
    server.put(DEPLOYMENT, _deployment())
    server.answer("get", status(code))

    seen = await book.book.seen(DirectLive(client), REF)

    assert seen == Seen(name=f"Deployment {PORTAL}")
