"""What ``kubectl describe`` tells of an instance."""

import pytest

from backstage_op import kube

from .conftest import StartOperator
from .process import wait_until
from .scene import Scene

pytestmark = pytest.mark.controlplane

WITH_APP_CONFIG = {"appConfig": {"configMaps": [{"name": "config"}]}}
ANNOTATION = "rhdh.redhat.com/idle"
DONE = ("Deployed", "the rollout is complete")
ROLLOUT = ("RolloutStarted", "rolling out Deployment backstage-my")
PASSWORD = (
    "PasswordGenerated",
    "made the password of the local database, in Secret backstage-psql-secret-my",
)


def _wait_told(scene: Scene, count: int) -> list[tuple[str, str]]:
    """Wait until that many Events are there; others may follow."""
    wait_until(
        lambda: len(scene.told()) >= count, lambda: f"want {count}: {scene.told()}"
    )
    return scene.told()


def test_the_life_of_an_instance_is_told_and_a_restart_tells_nothing(
    scene: Scene, start_operator: StartOperator
) -> None:
    operator = start_operator()
    scene.backstage()
    scene.wait_deployed()
    assert _wait_told(scene, 3) == [PASSWORD, ROLLOUT, DONE]

    scene.backstage({"application": {**WITH_APP_CONFIG, "replicas": 1}})
    scene.wait_condition("Config", "False", "ReferencedObjectNotFound")
    deprecated, invalid = _wait_told(scene, 5)[3:]
    assert deprecated == (
        "DeprecatedField",
        "spec.application.replicas: deprecated; use spec.deployment.patch",
    )
    assert invalid[0] == "ConfigInvalid"
    assert 'ConfigMap "config"' in invalid[1]

    scene.config_map("config", {"app-config.yaml": "app: {title: A}"})
    scene.wait_deployed()
    told = {reason for reason, _ in _wait_told(scene, 8)[5:]}
    assert told == {"RolloutStarted", "ConfigValid", "Deployed"}

    operator.stop()
    before = scene.told()
    again = start_operator()
    wait_until(lambda: again.reconciles() > 0, "no reconcile")
    scene.backstage(
        {"application": {**WITH_APP_CONFIG, "replicas": 1}},
        annotations={ANNOTATION: "true"},
    )
    scene.wait_condition("Deployed", "False", "Idled")
    after = _wait_told(scene, len(before) + 1)
    assert set(after) - set(before) == {
        ("Idled", "stopped all pods, as the annotation asks for")
    }


def test_kubectl_shows_state_and_story(
    scene: Scene, start_operator: StartOperator
) -> None:
    start_operator()
    scene.backstage({"database": {"enableLocalDb": False}})
    scene.wait_deployed()
    _wait_told(scene, 2)

    text = scene.kubectl("describe", "backstage", "my")

    state, _, story = text.partition("\nEvents:")
    shown = {tuple(line.split()) for line in state.splitlines()}
    for kind, reason in (
        ("Deployed", "Deployed"),
        ("Runtime", "Running"),
        ("Config", "Valid"),
        ("Database", "External"),
    ):
        assert {("Type:", kind), ("Reason:", reason)} <= shown, text
    lines = [line.split() for line in story.splitlines()[1:]]
    assert sorted(line[1] for line in lines if line[:1] == ["Normal"]) == [
        "Deployed",
        "RolloutStarted",
    ]


def test_an_object_of_somebody_else_is_told(
    scene: Scene, start_operator: StartOperator
) -> None:
    start_operator()
    scene.apply("v1", "Service", "backstage-my", spec={"ports": [{"port": 80}]})
    scene.backstage({"database": {"enableLocalDb": False}})

    scene.wait_condition("Config", "False", "OwnershipConflict")
    wait_until(
        lambda: "OwnershipConflict" in dict(scene.told()), lambda: str(scene.told())
    )
    assert kube.SERVICE.kind in dict(scene.told())["OwnershipConflict"]
