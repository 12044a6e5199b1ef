"""From a resource to a portal: what is written, how often, and what people see."""

import datetime

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import AuditEvent

from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

STATUS = "backstages/status"
# Ten seconds, less than that by the log: it knows when an answer was complete, and
# transitions are noted in whole seconds.
LONG = datetime.timedelta(seconds=5)
OBJECTS = [
    "configmaps",
    "deployments",
    "secrets",
    "secrets",
    "secrets",
    "services",
    "services",
    "statefulsets",
]


def test_kubectl_waits_for_and_shows_a_deployed_resource(scene: Scene) -> None:
    scene.backstage()

    scene.kubectl("wait", "--for=condition=Deployed", "backstage/my", "--timeout=120s")

    header, row = scene.kubectl("get", "backstage", "my").splitlines()
    assert header.split() == ["NAME", "DEPLOYED", "REASON", "URL", "AGE"]
    assert row.split()[:3] == ["my", "True", "Deployed"]
    live = scene.get(kube.BACKSTAGE, "my")
    generation = live["metadata"]["generation"]
    assert live["status"]["observedGeneration"] == generation
    assert {c["observedGeneration"] for c in live["status"]["conditions"]} == {
        generation
    }


def test_each_object_is_written_once_and_the_status_twice(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()

    assert [what for what in scene.written() if what != STATUS] == OBJECTS
    # Whoever waits for long for the database is told that it is ready.
    first, *between, _ = _status_writes(scene)
    assert [e for e in between if e.timestamp - first.timestamp < LONG] == []
    assert all(event.code in (200, 201) for event in scene.writes())


def _status_writes(scene: Scene) -> list[AuditEvent]:
    return [event for event in scene.writes() if event.subresource == "status"]


def test_only_own_objects_are_written(scene: Scene) -> None:
    scene.config_map("theirs", {"app-config.yaml": "app: {title: A}"})
    scene.apply("v1", "Secret", "theirs", stringData={"TOKEN": "x"})
    before = [scene.get(kind, "theirs") for kind in (kube.CONFIG_MAP, kube.SECRET)]
    scene.backstage(
        {
            "application": {
                "appConfig": {"configMaps": [{"name": "theirs"}]},
                "extraEnvs": {"secrets": [{"name": "theirs"}]},
            }
        }
    )
    scene.wait_deployed()

    after = [scene.get(kind, "theirs") for kind in (kube.CONFIG_MAP, kube.SECRET)]
    assert after == before
    ours = {
        (kind.plural, name)
        for kind in (*kube.OWNED, kube.BACKSTAGE)
        if not kind.optional
        for name in scene.names(kind)
        if kind is kube.BACKSTAGE or _is_ours(scene.get(kind, name))
    }
    # A request that creates has no name in the log: there is one for each Secret.
    named = {(event.resource, event.name) for event in scene.writes() if event.name}
    assert named <= ours
    assert {e.resource for e in scene.writes() if not e.name} <= {"secrets"}


def _is_ours(document: Document) -> bool:
    labels = document["metadata"].get("labels", {})
    return bool(labels.get("app.kubernetes.io/instance") == "my")


def test_a_change_of_an_annotation_writes_nothing(
    scene: Scene, operator: OperatorProcess
) -> None:
    scene.backstage()
    scene.wait_deployed()
    since, reconciles = scene.mark(), operator.reconciles()

    scene.backstage(annotations={"example.com/note": "hello"})

    wait_until(lambda: operator.reconciles() > reconciles, "no reconcile")
    assert scene.writes(since) == []


@pytest.mark.parametrize(
    "name",
    ["1.2-portal.example.com", "a" * 63, f"{'a' * 30}.{'b' * 169}", "c" * 253],
    ids=["dots", "63 characters", "200 characters", "253 characters"],
)
def test_whatever_the_api_server_takes_for_a_name_is_deployed(
    scene: Scene, name: str
) -> None:
    scene.backstage(name=name)

    scene.wait_deployed(name)
