"""A field that never changes: the object is made anew, or the user is told."""

import pytest

from backstage_op import config, kube
from backstage_op.document import Document

from .process import wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

PORTAL = "backstage-my"
HEADLESS_NAME = "headless-backstage-my"
DATABASE = "backstage-psql-my"
CLAIM = "data-backstage-psql-my-0"
RAW: Document = {"rawRuntimeConfig": {"backstageConfig": "raw"}}
RAW_DATABASE: Document = {"rawRuntimeConfig": {"localDbConfig": "raw"}}

HEADLESS = """
apiVersion: v1
kind: Service
spec:
  clusterIP: None
  ports:
  - {name: http-backend, port: 80, targetPort: backend}
"""
CLAIMS = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: cache
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: %s}}
"""


def _uid(scene: Scene, kind: kube.ResourceKind, name: str) -> str:
    found = scene.find(kind, name) or {"metadata": {"uid": ""}}
    uid: str = found["metadata"]["uid"]
    return uid


def test_a_service_is_made_anew(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    scene.config_map("raw", {"service.yaml": HEADLESS})

    scene.backstage(RAW)

    def is_headless() -> bool:
        found = scene.find(kube.SERVICE, PORTAL) or {"spec": {}}
        return bool(found["spec"].get("clusterIP") == "None")

    wait_until(is_headless, "the Service has an address still")
    scene.wait_deployed()


def test_a_database_is_made_anew_around_its_pod_and_its_data(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    before = _uid(scene, kube.STATEFUL_SET, DATABASE)
    claim = _uid(scene, kube.PERSISTENT_VOLUME_CLAIM, CLAIM)
    shipped = config.DefaultConfig.shipped("rhdh").files["db-statefulset.yaml"]
    bigger = shipped.replace("storage: 1Gi", "storage: 2Gi")
    assert bigger != shipped
    scene.config_map("raw", {"db-statefulset.yaml": bigger})

    scene.backstage(RAW_DATABASE)

    def is_new() -> bool:
        return _uid(scene, kube.STATEFUL_SET, DATABASE) not in ("", before)

    wait_until(is_new, "the StatefulSet is the old one")
    scene.wait_deployed()
    assert _uid(scene, kube.PERSISTENT_VOLUME_CLAIM, CLAIM) == claim


def test_a_stateful_set_gets_a_service_when_it_is_made_again_around_its_pods(
    scene: Scene,
) -> None:
    deployment: Document = {"kind": "StatefulSet"}
    named = {**deployment, "patch": {"spec": {"serviceName": "of-before"}}}
    scene.backstage({"deployment": named})
    scene.wait_deployed()
    before = _uid(scene, kube.STATEFUL_SET, PORTAL)
    pods = {name: _uid(scene, kube.POD, name) for name in scene.names(kube.POD)}

    scene.backstage({"deployment": deployment})
    scene.wait_deployed()
    assert _uid(scene, kube.STATEFUL_SET, PORTAL) == before
    assert scene.find(kube.SERVICE, HEADLESS_NAME) is None

    scene.delete(kube.STATEFUL_SET, PORTAL, propagation="Orphan")

    wait_until(
        lambda: _uid(scene, kube.STATEFUL_SET, PORTAL) not in ("", before),
        "the StatefulSet is not made again",
    )
    scene.wait_deployed()
    made = scene.get(kube.STATEFUL_SET, PORTAL)
    assert made["spec"]["serviceName"] == HEADLESS_NAME
    assert scene.find(kube.SERVICE, HEADLESS_NAME) is not None
    assert {name: _uid(scene, kube.POD, name) for name in pods} == pods


def test_a_claim_that_would_shrink_is_told_and_kept(scene: Scene) -> None:
    scene.config_map("raw", {"pvcs.yaml": CLAIMS % "2Gi"})
    scene.backstage(RAW)
    scene.wait_deployed()
    name = "backstage-pvcs-my-cache"
    before = _uid(scene, kube.PERSISTENT_VOLUME_CLAIM, name)

    scene.config_map("raw", {"pvcs.yaml": CLAIMS % "1Gi"})

    message = scene.wait_condition("Config", "False", "ImmutableField")
    assert name in message
    assert _uid(scene, kube.PERSISTENT_VOLUME_CLAIM, name) == before
