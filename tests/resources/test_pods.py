from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backstage_op.document import Document
from backstage_op.resources import pods
from backstage_op.resources.pods import Ailment, Pod, ReplicaSet

DEPLOYMENT: Document = {"kind": "Deployment"}
HASH = {"pod-template-hash": "new"}
BACKEND = "backstage-backend"
WHERE = f"container {BACKEND} of pod p"


def _pod(name: str = "p", **status: Any) -> Pod:
    return _of({"metadata": {"name": name, "labels": HASH}, "status": status})


def _of(document: Document) -> Pod:
    return msgspec.convert(document, Pod)


def _container(**fields: Any) -> dict[str, Any]:
    return {"name": BACKEND, "ready": False, "restartCount": 0, **fields}


def _waiting(reason: str, message: str = "", **fields: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return _container(state=state, **fields)


def _ended(**fields: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": 1, "reason": "Error", **fields}}


RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
SHORT = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:09:59Z"}
LONG = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:10:00Z"}


@pytest.mark.parametrize(
    ("container", "words"),
    [
        pytest.param(_waiting("ContainerCreating"), None, id="being created"),
        pytest.param(_waiting("PodInitializing"), None, id="waiting for others"),
        pytest.param(_container(state=RUNNING), None, id="starting"),
        pytest.param(
            _container(state=_ended()), None, id="crashed once, about to be restarted"
        ),
        pytest.param(
            _container(state=RUNNING, lastState=_ended(), restartCount=1),
            None,
            id="restarted once",
        ),
        pytest.param(
            _container(ready=True, state=RUNNING, lastState=_ended(), restartCount=9),
            None,
            id="recovered",
        ),
        pytest.param(
            _container(state=RUNNING, lastState=_ended(**LONG), restartCount=9),
            None,
            id="crashed after a long life",
        ),
        pytest.param(
            _container(state=_ended(exitCode=0), restartCount=9), None, id="ended well"
        ),
        pytest.param(
            _waiting("ErrImagePull", "not found"),
            (f"{WHERE}: ImagePullBackOff", "not found"),
            id="image cannot be pulled",
        ),
        pytest.param(
            _waiting("ImagePullBackOff", "Back-off pulling image"),
            (f"{WHERE}: ImagePullBackOff", "Back-off pulling image"),
            id="image is backed off from",
        ),
        pytest.param(
            _waiting("CreateContainerConfigError", 'secret "a" not found'),
            (f"{WHERE}: CreateContainerConfigError", 'secret "a" not found'),
            id="cannot be created",
        ),
        pytest.param(
            _waiting("CrashLoopBackOff", "back-off 10s restarting"),
            (f"{WHERE}: CrashLoopBackOff", ""),
            id="crashes, and nobody says how",
        ),
        pytest.param(
            _waiting(
                "CrashLoopBackOff",
                "back-off 10s restarting",
                lastState=_ended(message="boom\n"),
                restartCount=1,
            ),
            (f"{WHERE}: CrashLoopBackOff, exit code 1 (Error)", "boom"),
            id="crashes, waits",
        ),
        pytest.param(
            _container(state=RUNNING, lastState=_ended(**SHORT), restartCount=2),
            (f"{WHERE}: CrashLoopBackOff, exit code 1 (Error)", ""),
            id="crashes, runs again",
        ),
        pytest.param(
            _container(state=_ended(exitCode=137, reason="OOMKilled"), restartCount=1),
            (f"{WHERE}: CrashLoopBackOff, exit code 137 (OOMKilled)", ""),
            id="crashes, just now",
        ),
    ],
)
def test_a_container_that_fails_is_told_from_one_that_starts(
    container: dict[str, Any], words: tuple[str, str] | None
) -> None:
    expected = (
        (Ailment(is_failure=True, subject=words[0], detail=words[1]),) if words else ()
    )

    found = pods.ailments_of([_pod(containerStatuses=[container])], DEPLOYMENT, "new")

    assert found == expected


def test_an_init_container_is_named_as_one() -> None:
    failing = _waiting("ImagePullBackOff") | {"name": "install-dynamic-plugins"}

    (found,) = pods.ailments_of(
        [_pod(initContainerStatuses=[failing])], DEPLOYMENT, "new"
    )

    assert found.subject == (
        "init container install-dynamic-plugins of pod p: ImagePullBackOff"
    )


def test_a_pod_without_a_node_says_what_the_scheduler_says_after_what_fails() -> None:
    unscheduled = _pod(
        "a",
        conditions=[
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/1 nodes are available",
            }
        ],
    )
    failing = _pod("b", containerStatuses=[_waiting("ErrImagePull")])

    found = pods.ailments_of([unscheduled, failing], DEPLOYMENT, "new")

    assert found == (
        Ailment(
            is_failure=True,
            subject=f"container {BACKEND} of pod b: ImagePullBackOff",
        ),
        Ailment(
            is_failure=False,
            subject="pod a cannot be scheduled",
            detail="0/1 nodes are available",
        ),
    )


def _without_interest() -> list[Any]:
    sick = {"containerStatuses": [_waiting("ErrImagePull")]}
    named = {"name": "p", "labels": HASH}
    ending = {**named, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    old = {**named, "labels": {"pod-template-hash": "old"}}
    return [
        pytest.param({"metadata": ending, "status": sick}, id="ending"),
        pytest.param({"metadata": old, "status": sick}, id="of an old revision"),
        pytest.param({"metadata": {"name": "p"}, "status": sick}, id="of none"),
        pytest.param(
            {"metadata": named, "status": {**sick, "phase": "Failed"}}, id="evicted"
        ),
        pytest.param({"metadata": named, "status": {}}, id="without a status"),
    ]


@pytest.mark.parametrize("document", _without_interest())
def test_pods_that_others_replace_are_not_judged(document: Document) -> None:
    assert pods.ailments_of([_of(document)], DEPLOYMENT, "new") == ()


def test_no_pod_is_judged_without_a_revision() -> None:
    sick = {"containerStatuses": [_waiting("ErrImagePull")]}
    nameless = _of({"metadata": {"name": "p", "labels": {}}, "status": sick})

    assert pods.ailments_of([nameless], DEPLOYMENT, "") == ()


def _stateful_set(**spec: Any) -> Document:
    return {"kind": "StatefulSet", "spec": spec}


def _member(name: str, revision: str, **status: Any) -> Pod:
    labels = {"controller-revision-hash": revision}
    return _of({"metadata": {"name": name, "labels": labels}, "status": status})


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available",
}
REMEDY = (
    "delete pod s-0, since a StatefulSet does not replace a pod that is not ready: "
)


@pytest.mark.parametrize(
    ("status", "subject", "detail"),
    [
        (
            {"containerStatuses": [_waiting("ErrImagePull", "not found")]},
            f"container {BACKEND} of pod s-0: ImagePullBackOff",
            "not found",
        ),
        (
            {"conditions": [UNSCHEDULABLE]},
            "pod s-0 cannot be scheduled",
            "0/1 nodes are available",
        ),
    ],
    ids=["fails", "has no node"],
)
def test_a_pod_that_keeps_a_stateful_set_from_its_revision_is_to_be_deleted(
    status: Document, subject: str, detail: str
) -> None:
    """Kubernetes calls for a "forced rollback": kubernetes/kubernetes#67250."""
    found = pods.ailments_of([_member("s-0", "old", **status)], _stateful_set(), "new")

    assert found == (Ailment(is_failure=True, subject=REMEDY + subject, detail=detail),)


def test_a_pod_of_the_current_revision_needs_another_template_instead() -> None:
    sick = {"containerStatuses": [_waiting("ErrImagePull")]}
    members = [_member("s-0", "old"), _member("s-1", "new", **sick)]

    found = pods.ailments_of(members, _stateful_set(), "new")

    subject = f"container {BACKEND} of pod s-1: ImagePullBackOff"
    assert found == (Ailment(is_failure=True, subject=subject),)


def test_a_stateful_set_in_parallel_replaces_its_pods_by_itself() -> None:
    sick = _member("s-0", "old", containerStatuses=[_waiting("ErrImagePull")])
    parallel = _stateful_set(podManagementPolicy="Parallel")

    assert pods.ailments_of([sick], parallel, "new") == ()


def test_a_long_text_is_cut_and_the_subject_kept() -> None:
    ailment = Ailment(is_failure=True, subject="subject", detail="é" * 5000)

    assert len(ailment.message) == pods.MAX_MESSAGE_CHARACTERS
    assert ailment.message.startswith("subject: é")
    assert ailment.message.endswith("…")


def _deployment(observed: int = 3) -> Document:
    return {
        "kind": "Deployment",
        "metadata": {
            "uid": "d",
            "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "7"},
        },
        "status": {"observedGeneration": observed},
    }


def _replica_set(revision: str, label: str, owner: str = "d") -> ReplicaSet:
    return ReplicaSet.of(
        owner,
        {"pod-template-hash": label},
        {"deployment.kubernetes.io/revision": revision},
    )


def test_the_revision_of_a_deployment_is_that_of_its_replica_set() -> None:
    sets = [
        _replica_set("6", "old"),
        _replica_set("7", "foreign", owner="other"),
        _replica_set("7", "new"),
    ]

    assert pods.revision_of(_deployment(), sets) == "new"
    assert pods.revision_of(_deployment(observed=2), sets) == ""
    assert pods.revision_of(_deployment(), sets[:2]) == ""


def test_the_revision_of_a_stateful_set_is_in_its_status() -> None:
    live = {
        "kind": "StatefulSet",
        "metadata": {"uid": "s", "generation": 1},
        "status": {"observedGeneration": 1, "updateRevision": "s-2"},
    }

    assert pods.revision_of(live, ()) == "s-2"
    assert pods.revision_of({**live, "status": {}}, ()) == ""


def test_values_of_secrets_are_taken_out_of_what_a_container_says() -> None:
    said = "login of admin with hunter2hunter2 (hunter2) failed: true"

    found = pods.without_values(said, ["hunter2", "hunter2hunter2", "true", ""])

    assert found == "login of admin with *** (***) failed: true"
