"""What happens to a portal that runs: new configuration, drift, deletion."""

import pytest

from backstage_op import kube
from backstage_op.document import Document

from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

REPLICA_SET = kube.ResourceKind("apps/v1", "ReplicaSet", "replicasets")
PASSWORD_SECRET = "backstage-psql-secret-my"
CLAIM = "data-backstage-psql-my-0"
WITH_APP_CONFIG = {"application": {"appConfig": {"configMaps": [{"name": "config"}]}}}


def _generation(document: Document) -> int:
    generation: int = document["metadata"]["generation"]
    return generation


def _version(document: Document) -> str:
    version: str = document["metadata"]["resourceVersion"]
    return version


def test_a_changed_config_map_restarts_the_portal_exactly_once(scene: Scene) -> None:
    scene.config_map("config", {"app-config.yaml": "app: {title: A}"})
    scene.backstage(WITH_APP_CONFIG)
    scene.wait_deployed()
    before = scene.get(kube.DEPLOYMENT, "backstage-my")
    assert len(scene.names(REPLICA_SET)) == 1
    since = scene.mark()

    scene.config_map("config", {"app-config.yaml": "app: {title: B}"})

    def has_new_replica_set() -> bool:
        return len(scene.names(REPLICA_SET)) == 2

    wait_until(has_new_replica_set, "no second ReplicaSet")
    scene.wait_deployed()
    after = scene.get(kube.DEPLOYMENT, "backstage-my")
    assert _generation(after) == _generation(before) + 1
    assert len(scene.names(REPLICA_SET)) == 2
    assert scene.written(since).count("deployments") == 1


def test_a_config_map_rewritten_with_the_same_content_restarts_nothing(
    scene: Scene, operator: OperatorProcess
) -> None:
    data = {"app-config.yaml": "app: {title: A}"}
    before = scene.config_map("config", data)
    scene.backstage(WITH_APP_CONFIG)
    scene.wait_deployed()
    since, reconciles = scene.mark(), operator.reconciles()

    # A new version, for who applied it is part of the object.
    metadata = {"name": "config", "namespace": scene.namespace}
    identity = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    after = scene.apply_as("somebody", {**identity, "data": data})

    assert after["data"] == before["data"]
    assert _version(after) != _version(before)
    wait_until(lambda: operator.reconciles() > reconciles, "no reconcile")
    assert scene.writes(since) == []


def test_two_portals_may_share_a_config_map(scene: Scene) -> None:
    scene.config_map("config", {"app-config.yaml": "app: {title: A}"})
    names = ["my", "your"]
    for name in names:
        scene.backstage(WITH_APP_CONFIG, name=name)
    for name in names:
        scene.wait_deployed(name)
    before = [_generation(scene.get(kube.DEPLOYMENT, f"backstage-{n}")) for n in names]

    scene.config_map("config", {"app-config.yaml": "app: {title: B}"})

    def are_restarted() -> bool:
        after = [
            _generation(scene.get(kube.DEPLOYMENT, f"backstage-{name}"))
            for name in names
        ]
        return after == [generation + 1 for generation in before]

    wait_until(are_restarted, "not both were restarted")


def test_a_managed_field_is_healed_and_a_foreign_one_kept(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    wanted = scene.get(kube.SERVICE, "backstage-my")["spec"]["selector"]

    scene.patch(
        kube.SERVICE,
        "backstage-my",
        {
            "metadata": {"annotations": {"example.com/theirs": "kept"}},
            "spec": {"selector": {"rhdh.redhat.com/app": "somebody-else"}},
        },
    )

    def is_healed() -> bool:
        return bool(
            scene.get(kube.SERVICE, "backstage-my")["spec"]["selector"] == wanted
        )

    wait_until(is_healed, "the selector is not healed")
    annotations = scene.get(kube.SERVICE, "backstage-my")["metadata"]["annotations"]
    assert annotations["example.com/theirs"] == "kept"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kube.SERVICE, "backstage-my"),
        (kube.DEPLOYMENT, "backstage-my"),
        (kube.CONFIG_MAP, "backstage-appconfig-my-default"),
    ],
    ids=["Service", "Deployment", "ConfigMap"],
)
def test_a_deleted_object_comes_back(
    scene: Scene, kind: kube.ResourceKind, name: str
) -> None:
    scene.backstage()
    scene.wait_deployed()
    uid = scene.get(kind, name)["metadata"]["uid"]

    scene.delete(kind, name)

    def is_back() -> bool:
        found = scene.find(kind, name)
        return found is not None and found["metadata"]["uid"] != uid

    wait_until(is_back, f"{kind.kind} {name} did not come back")
    scene.wait_deployed()


def test_a_removed_owner_reference_comes_back(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    wanted = scene.get(kube.SERVICE, "backstage-my")["metadata"]["ownerReferences"]

    scene.patch(kube.SERVICE, "backstage-my", {"metadata": {"ownerReferences": None}})

    def is_owned() -> bool:
        metadata = scene.get(kube.SERVICE, "backstage-my")["metadata"]
        return bool(metadata.get("ownerReferences") == wanted)

    wait_until(is_owned, "the owner reference is not back")


def test_a_foreign_object_of_our_name_is_never_touched(scene: Scene) -> None:
    foreign = scene.apply(
        "v1", "Service", "backstage-my", spec={"ports": [{"port": 1234}]}
    )

    scene.backstage()

    message = scene.wait_condition("Config", "False", "OwnershipConflict")
    assert "Service" in message
    assert "backstage-my" in message
    wait_until(
        lambda: scene.find(kube.DEPLOYMENT, "backstage-my") is not None,
        "one conflict holds up everything",
    )
    assert scene.get(kube.SERVICE, "backstage-my") == foreign
    assert scene.conditions()["Deployed"]["reason"] == "DeployFailed"


def test_deletion_removes_all_but_the_data_and_its_password(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    since = scene.mark()

    scene.delete(kube.BACKSTAGE, "my")

    def is_gone() -> bool:
        left = [
            *scene.names(kube.DEPLOYMENT),
            *scene.names(kube.STATEFUL_SET),
            *scene.names(kube.SERVICE),
        ]
        return left == []

    wait_until(is_gone, "the workloads are still there")
    wait_until(
        lambda: scene.names(kube.SECRET) == [PASSWORD_SECRET],
        lambda: str(scene.names(kube.SECRET)),
    )
    wait_until(
        lambda: scene.names(kube.CONFIG_MAP) == ["kube-root-ca.crt"],
        lambda: str(scene.names(kube.CONFIG_MAP)),
    )
    assert scene.names(kube.PERSISTENT_VOLUME_CLAIM) == [CLAIM]
    assert scene.writes(since) == []


def test_a_resource_made_again_keeps_the_password(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    password = scene.get(kube.SECRET, PASSWORD_SECRET)
    scene.delete(kube.BACKSTAGE, "my")
    wait_until(lambda: not scene.names(kube.DEPLOYMENT), "the Deployment is there")
    wait_until(lambda: not scene.names(kube.STATEFUL_SET), "the database is there")

    scene.backstage()
    scene.wait_deployed()

    assert scene.get(kube.SECRET, PASSWORD_SECRET) == password
    assert scene.names(kube.PERSISTENT_VOLUME_CLAIM) == [CLAIM]


def test_an_idled_portal_has_no_pods_and_wakes_up_again(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()

    scene.backstage(annotations={"rhdh.redhat.com/idle": "true"})

    def is_idle() -> bool:
        return scene.conditions().get("Deployed", {}).get("reason") == "Idled"

    wait_until(is_idle, lambda: str(scene.conditions()))
    assert scene.get(kube.DEPLOYMENT, "backstage-my")["spec"]["replicas"] == 0

    scene.backstage()

    def is_awake() -> bool:
        return bool(scene.conditions()["Deployed"]["status"] == "True")

    wait_until(is_awake, lambda: str(scene.conditions()))
