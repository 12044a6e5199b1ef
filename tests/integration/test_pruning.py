"""What a portal no longer wants goes; its data stay until somebody says otherwise."""

import pytest

from backstage_op import kube
from backstage_op.document import Document

from .process import wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

PORTAL = "backstage-my"
DATABASE = "backstage-psql-my"
PASSWORD = "backstage-psql-secret-my"
CLAIM = "data-backstage-psql-my-0"
EXTERNAL: Document = {"database": {"enableLocalDb": False}}
STATEFUL = {"deployment": {"kind": "StatefulSet"}}
RAW = {"rawRuntimeConfig": {"backstageConfig": "raw"}}

MADE_CLAIM = "backstage-pvcs-my-cache"
EXTRA_CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: cache
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 1Gi
"""
EXTRA_FILES = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: extra
data:
  extra.txt: more
"""


def _wait_gone(scene: Scene, kind: kube.ResourceKind, name: str) -> None:
    wait_until(lambda: scene.find(kind, name) is None, f"{kind.kind} {name} is there")


def _ready(scene: Scene, kind: kube.ResourceKind, name: str) -> int:
    found = scene.find(kind, name) or {}
    ready: int = (found.get("status") or {}).get("readyReplicas", 0)
    return ready


def test_a_configured_object_goes_when_its_manifest_does(scene: Scene) -> None:
    name = "backstage-files-my-extra"
    scene.config_map("raw", {"configmap-files.yaml": EXTRA_FILES})
    scene.backstage(RAW)
    scene.wait_deployed()
    assert scene.find(kube.CONFIG_MAP, name) is not None

    scene.backstage()

    _wait_gone(scene, kube.CONFIG_MAP, name)
    scene.wait_deployed()
    since = scene.mark()
    scene.backstage(annotations={"example.com/look": "again"})
    scene.wait_deployed()
    assert scene.written(since) == []


def test_the_other_kind_of_workload_goes_when_the_new_one_serves(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()

    scene.backstage(STATEFUL)

    def is_switched() -> bool:
        # Never longer without a portal than a rollout takes: not at all.
        old = _ready(scene, kube.DEPLOYMENT, PORTAL)
        new = _ready(scene, kube.STATEFUL_SET, PORTAL)
        assert old or new
        return scene.find(kube.DEPLOYMENT, PORTAL) is None

    wait_until(is_switched, "the Deployment is still there")
    scene.wait_deployed()
    scene.backstage()
    _wait_gone(scene, kube.STATEFUL_SET, PORTAL)
    scene.wait_deployed()


def test_a_database_that_is_not_wanted_is_stopped_and_keeps_its_data(
    scene: Scene,
) -> None:
    scene.backstage()
    scene.wait_deployed()
    uids = [
        scene.get(kind, name)["metadata"]["uid"]
        for kind, name in (
            (kube.STATEFUL_SET, DATABASE),
            (kube.SECRET, PASSWORD),
            (kube.PERSISTENT_VOLUME_CLAIM, CLAIM),
        )
    ]

    scene.backstage(EXTERNAL)

    wait_until(
        lambda: scene.get(kube.STATEFUL_SET, DATABASE)["spec"]["replicas"] == 0,
        "the database runs on",
    )
    _wait_gone(scene, kube.SERVICE, DATABASE)
    scene.wait_deployed()
    scene.backstage()
    wait_until(
        lambda: _ready(scene, kube.STATEFUL_SET, DATABASE) == 1,
        "the database does not come back",
    )
    scene.wait_deployed()
    after = [
        scene.get(kind, name)["metadata"]["uid"]
        for kind, name in (
            (kube.STATEFUL_SET, DATABASE),
            (kube.SECRET, PASSWORD),
            (kube.PERSISTENT_VOLUME_CLAIM, CLAIM),
        )
    ]
    assert after == uids


def test_the_policy_delete_takes_the_data_too(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()

    scene.backstage({**EXTERNAL, "deletionPolicy": "Delete"})

    for kind, name in (
        (kube.STATEFUL_SET, DATABASE),
        (kube.SECRET, PASSWORD),
        (kube.PERSISTENT_VOLUME_CLAIM, CLAIM),
        (kube.SERVICE, DATABASE),
    ):
        _wait_gone(scene, kind, name)
    scene.wait_deployed()


def test_the_policy_delete_takes_the_data_with_the_resource(scene: Scene) -> None:
    scene.config_map("raw", {"pvcs.yaml": EXTRA_CLAIM})
    scene.backstage({**RAW, "deletionPolicy": "Delete"})
    scene.wait_deployed()
    _wait_claim_is_owned(scene, is_so=True)

    scene.delete(kube.BACKSTAGE, "my")

    _wait_gone(scene, kube.SECRET, PASSWORD)
    for claim in (CLAIM, MADE_CLAIM):
        _wait_gone(scene, kube.PERSISTENT_VOLUME_CLAIM, claim)


def test_data_that_are_to_be_retained_after_all_outlive_the_resource(
    scene: Scene,
) -> None:
    scene.config_map("raw", {"pvcs.yaml": EXTRA_CLAIM})
    scene.backstage({**RAW, "deletionPolicy": "Delete"})
    scene.wait_deployed()
    _wait_claim_is_owned(scene, is_so=True)

    scene.backstage(RAW)

    scene.wait_deployed()
    _wait_claim_is_owned(scene, is_so=False)
    kept = ((kube.SECRET, PASSWORD), (kube.PERSISTENT_VOLUME_CLAIM, MADE_CLAIM))
    for kind, name in kept:
        assert "ownerReferences" not in scene.get(kind, name)["metadata"]
    scene.delete(kube.BACKSTAGE, "my")
    _wait_gone(scene, kube.STATEFUL_SET, DATABASE)
    _wait_gone(scene, kube.DEPLOYMENT, PORTAL)
    for kind, name in (*kept, (kube.PERSISTENT_VOLUME_CLAIM, CLAIM)):
        assert "deletionTimestamp" not in scene.get(kind, name)["metadata"]


def _wait_claim_is_owned(scene: Scene, *, is_so: bool) -> None:
    """Wait until the cluster has given the claim to the StatefulSet, or has not."""

    def is_settled() -> bool:
        claim = scene.get(kube.PERSISTENT_VOLUME_CLAIM, CLAIM)
        owners = claim["metadata"].get("ownerReferences") or []
        return [owner["kind"] for owner in owners] == ["StatefulSet"] * is_so

    wait_until(is_settled, f"the claim is not {'owned' if is_so else 'free'}")


def test_an_object_of_somebody_else_with_our_labels_stays(scene: Scene) -> None:
    labels = {
        "app.kubernetes.io/name": "backstage",
        "app.kubernetes.io/instance": "my",
    }
    scene.config_map("theirs", {"a": "b"})
    theirs = scene.patch(kube.CONFIG_MAP, "theirs", {"metadata": {"labels": labels}})

    scene.backstage()

    scene.wait_deployed()
    assert scene.get(kube.CONFIG_MAP, "theirs") == theirs
