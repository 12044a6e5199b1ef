"""What is wrong with pods is said, in the words of who knows, and said once."""

from typing import Any

import pytest

from backstage_op import kube
from backstage_op.document import Document

from . import admission
from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

WITHOUT_DATABASE: Document = {"database": {"enableLocalDb": False}}
WAITING = "sandbox.backstage-op/waiting"
BACKEND = "backstage-backend"
STATUS = "backstages/status"


def _patched(**template: Any) -> Document:
    patch = {"patch": {"spec": {"template": template}}}
    return {**WITHOUT_DATABASE, "deployment": patch}


def _annotated(reason: str) -> Document:
    return _patched(metadata={"annotations": {WAITING: reason}})


def _pods(scene: Scene, app: str) -> list[Document]:
    listing = scene.sandbox.admin.get(kube.POD.path(scene.namespace)) or {}
    label = "rhdh.redhat.com/app"
    return [
        item
        for item in listing["items"]
        if item["metadata"]["labels"].get(label) == app
        and "deletionTimestamp" not in item["metadata"]
    ]


def _crash(scene: Scene, app: str, message: str, restarts: int) -> None:
    """Make the containers of a workload's only pod crash, as a kubelet says it."""
    (pod,) = _pods(scene, app)
    ended = {"exitCode": 3, "reason": "Error", "message": message}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    containers = [
        {
            **container,
            "ready": False,
            "started": False,
            "restartCount": restarts,
            "state": state,
            "lastState": {"terminated": ended},
        }
        for container in pod["status"]["containerStatuses"]
    ]
    conditions = [
        {**condition, "status": "False"}
        if condition["type"] in ("Ready", "ContainersReady")
        else condition
        for condition in pod["status"]["conditions"]
    ]
    scene.sandbox.admin.request(
        "PATCH",
        kube.POD.path(scene.namespace, pod["metadata"]["name"], "status"),
        headers={"Content-Type": "application/merge-patch+json"},
        json={"status": {"containerStatuses": containers, "conditions": conditions}},
    )


def _is_looked_at(
    scene: Scene, operator: OperatorProcess, before: int, since: int
) -> None:
    wait_until(lambda: operator.reconciles() > before, "no reconcile")
    assert scene.written(since) == []


def test_a_new_pod_that_fails_is_not_hidden_by_an_old_one_that_serves(
    scene: Scene,
) -> None:
    scene.backstage(WITHOUT_DATABASE)
    scene.wait_deployed()

    scene.backstage(_annotated("ImagePullBackOff"))

    message = scene.wait_condition("Runtime", "False", "ContainerFailed")
    assert message.startswith(f"container {BACKEND} of pod backstage-my-")
    assert message.endswith(": ImagePullBackOff: asked for by an annotation of the pod")
    deployed = scene.wait_condition("Deployed", "False", "DeployFailed")
    assert deployed == f"Deployment backstage-my: {message}"
    assert scene.conditions()["Stalled"]["message"] == deployed
    live = scene.get(kube.DEPLOYMENT, "backstage-my")
    assert live["status"]["availableReplicas"] == 1

    scene.backstage(WITHOUT_DATABASE)

    scene.wait_deployed()
    scene.wait_condition("Runtime", "True", "Running")
    assert list(scene.conditions()) == ["Deployed", "Runtime", "Config", "Database"]


def test_a_pod_that_a_stateful_set_does_not_replace_is_said_to_be_in_the_way(
    scene: Scene,
) -> None:
    broken = _annotated("ImagePullBackOff")
    broken["deployment"]["kind"] = "StatefulSet"
    mended = {**WITHOUT_DATABASE, "deployment": {"kind": "StatefulSet"}}
    scene.backstage(broken)
    scene.wait_condition("Runtime", "False", "ContainerFailed")

    scene.backstage(mended)

    wait_until(
        lambda: "delete pod" in scene.conditions()["Deployed"]["message"],
        lambda: f"no remedy: {scene.conditions()}",
    )
    (pod,) = _pods(scene, "backstage-my")
    name = pod["metadata"]["name"]
    message = scene.wait_condition("Runtime", "False", "ContainerFailed")
    assert message.startswith(f"delete pod {name}, since a StatefulSet does not")
    scene.sandbox.admin.request("DELETE", kube.POD.path(scene.namespace, name))
    scene.wait_deployed()


def test_a_pod_without_a_node_says_what_the_scheduler_says(scene: Scene) -> None:
    scene.backstage(_patched(spec={"nodeSelector": {"nobody": "has-this"}}))

    message = scene.wait_condition("Runtime", "False", "Pending")
    wait_until(
        lambda: "nodes are available" in scene.conditions()["Runtime"]["message"],
        lambda: f"not the scheduler's words: {scene.conditions()}",
    )
    assert scene.conditions()["Deployed"]["reason"] == "DeployInProgress"
    assert message


def test_pods_that_a_quota_refuses_are_a_failure_with_its_words(scene: Scene) -> None:
    admission.quota(scene, admission.pod(), pods="0")

    scene.backstage(WITHOUT_DATABASE)

    message = scene.wait_condition("Deployed", "False", "DeployFailed")
    assert "exceeded quota: limit" in message
    assert scene.conditions()["Runtime"]["reason"] == "Pending"


def test_a_replica_set_that_a_quota_refuses_is_a_failure_with_its_words(
    scene: Scene,
) -> None:
    scene.backstage(WITHOUT_DATABASE)
    scene.wait_deployed()
    sets = {"count/replicasets.apps": "1"}
    admission.quota(scene, admission.replica_set(), **sets)

    scene.backstage(_patched(metadata={"annotations": {"note": "new"}}))

    message = scene.wait_condition("Deployed", "False", "DeployFailed")
    assert message.startswith("Deployment backstage-my: Failed to create new replica")
    assert "exceeded quota: limit" in message
    assert scene.conditions()["Runtime"]["reason"] == "Running"

    admission.quota(scene, None, **{"count/replicasets.apps": "5"})

    scene.wait_deployed()


def test_a_crash_is_said_once_and_without_the_values_of_secrets(
    scene: Scene, operator: OperatorProcess
) -> None:
    scene.apply("v1", "Secret", "token", stringData={"TOKEN": "do-not-tell"})
    envs = {"secrets": [{"name": "token"}]}
    scene.backstage({**WITHOUT_DATABASE, "application": {"extraEnvs": envs}})
    scene.wait_deployed()

    _crash(scene, "backstage-my", "cannot log in with do-not-tell at 10:01", 3)

    message = scene.wait_condition("Runtime", "False", "ContainerFailed")
    assert message.endswith(
        ": CrashLoopBackOff, exit code 3 (Error): cannot log in with *** at 10:01"
    )
    scene.wait_condition("Deployed", "False", "DeployFailed")
    before, since = operator.reconciles(), scene.mark()
    _crash(scene, "backstage-my", "cannot log in with do-not-tell at 10:02", 4)
    _is_looked_at(scene, operator, before, since)
    assert "do-not-tell" not in str(scene.get(kube.BACKSTAGE, "my"))
    assert "do-not-tell" not in str(scene.told())
    assert "do-not-tell" not in operator.log


def test_a_database_that_fails_is_said_while_the_portal_runs(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    scene.wait_condition("Database", "True", "Ready")

    _crash(scene, "backstage-psql-my", "disk full", 2)

    message = scene.wait_condition("Database", "False", "NotReady")
    assert "of pod backstage-psql-my-0: CrashLoopBackOff" in message
    assert message.endswith("disk full")
    conditions = scene.conditions()
    assert conditions["Deployed"]["status"] == "True"
    assert conditions["Runtime"]["reason"] == "Running"
    assert conditions["Reconciling"]["reason"] == "NotReady"


def test_an_instance_that_is_idled_says_so_once(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    scene.wait_condition("Database", "True", "Ready")
    since = scene.mark()

    scene.backstage(annotations={"rhdh.redhat.com/idle": "true"})

    wait_until(
        lambda: not _pods(scene, "backstage-my") + _pods(scene, "backstage-psql-my"),
        "the pods do not end",
    )
    for condition in ("Deployed", "Runtime", "Database"):
        scene.wait_condition(condition, "False", "Idled")
    wait_until(
        lambda: (
            not scene.get(kube.STATEFUL_SET, "backstage-psql-my")["status"].get(
                "replicas"
            )
        ),
        "the database is not seen to have ended",
    )
    assert scene.written(since).count(STATUS) == 1
