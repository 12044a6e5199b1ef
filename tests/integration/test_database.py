"""The local database: its data never meet a wrong password or a wrong PostgreSQL."""

import pytest

from backstage_op import config, kube
from backstage_op.document import Document

from .process import wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

PORTAL = "backstage-my"
DATABASE = "backstage-psql-my"
PASSWORD = "backstage-psql-secret-my"
CLAIM = "data-backstage-psql-my-0"
NEWER: Document = {"rawRuntimeConfig": {"localDbConfig": "newer"}}


def _remove(scene: Scene) -> None:
    """Delete the resource, and wait until the garbage collector has been there."""
    scene.delete(kube.BACKSTAGE, "my")
    wait_until(
        lambda: scene.names(kube.DEPLOYMENT) + scene.names(kube.STATEFUL_SET) == [],
        "the workloads are still there",
    )


def _upgrade(scene: Scene) -> None:
    """Ask for the next major version of PostgreSQL."""
    shipped = config.DefaultConfig.shipped("rhdh").files["db-statefulset.yaml"]
    newer = shipped.replace("postgresql-15", "postgresql-18")
    assert newer != shipped
    scene.config_map("newer", {"db-statefulset.yaml": newer})
    scene.backstage(NEWER)


def test_a_portal_that_is_made_again_knows_the_password(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    before = scene.get(kube.SECRET, PASSWORD)
    _remove(scene)

    scene.backstage()

    scene.wait_deployed()
    after = scene.get(kube.SECRET, PASSWORD)
    assert (after["metadata"]["uid"], after["data"]) == (
        before["metadata"]["uid"],
        before["data"],
    )


def test_without_the_password_nothing_new_is_started(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    secret = scene.get(kube.SECRET, PASSWORD)
    _remove(scene)
    scene.delete(kube.SECRET, PASSWORD)

    scene.backstage()

    message = scene.wait_condition("Database", "False", "PasswordLost")
    assert PASSWORD in message
    assert CLAIM in message
    assert scene.names(kube.DEPLOYMENT) + scene.names(kube.STATEFUL_SET) == []
    metadata = {"name": PASSWORD, "labels": secret["metadata"]["labels"]}
    scene.sandbox.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {**metadata, "namespace": scene.namespace},
            "data": secret["data"],
        }
    )
    scene.adopt(kube.SECRET, PASSWORD)
    scene.wait_deployed()


def test_a_lost_password_stops_no_portal_that_runs(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    before = scene.get(kube.DEPLOYMENT, PORTAL)

    scene.delete(kube.SECRET, PASSWORD)

    scene.wait_condition("Database", "False", "PasswordLost")
    after = scene.get(kube.DEPLOYMENT, PORTAL)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert scene.find(kube.SECRET, PASSWORD) is None


def test_another_major_version_leaves_the_database_alone(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    before = scene.get(kube.STATEFUL_SET, DATABASE)

    _upgrade(scene)

    message = scene.wait_condition("Database", "False", "MajorUpgradeRequired")
    assert "15" in message
    assert "18" in message
    after = scene.get(kube.STATEFUL_SET, DATABASE)
    assert after["spec"] == before["spec"]
    assert scene.get(kube.DEPLOYMENT, PORTAL)["status"]["readyReplicas"] == 1
    scene.backstage()
    scene.wait_deployed()


def test_the_version_is_known_when_the_portal_is_made_again(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    _remove(scene)

    _upgrade(scene)

    scene.wait_condition("Database", "False", "MajorUpgradeRequired")
    assert scene.names(kube.STATEFUL_SET) == []


def test_an_emptied_key_of_the_digest_costs_one_rollout_at_most(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    before = scene.get(kube.DEPLOYMENT, PORTAL)["metadata"]["generation"]
    name = "backstage-checksum-key-my"

    scene.patch(kube.SECRET, name, {"data": {"key": ""}})

    wait_until(
        lambda: scene.get(kube.SECRET, name)["data"]["key"] != "", "the key stays empty"
    )
    scene.wait_deployed()
    after = scene.get(kube.DEPLOYMENT, PORTAL)["metadata"]["generation"]
    assert after <= before + 1
