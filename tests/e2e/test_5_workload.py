"""Chapter 5: more pods, another kind of workload, and a pause."""

from .kubectl import wait_until
from .portal import DATABASE, OBJECT, TITLE, TOKEN, Portal
from .visitor import ENTITY_NAME, ENTITY_URL

_IDLE = {"rhdh.redhat.com/idle": "true"}


def test_a_patch_scales_it(portal: Portal) -> None:
    [first] = portal.identities()

    portal.create({"deployment": {"patch": {"spec": {"replicas": 2}}}})

    portal.wait_deployed()
    wait_until(lambda: len(portal.pods()) == 2, portal.story)
    assert first in portal.identities()
    assert portal.title() == TITLE


def test_it_becomes_a_stateful_set_and_a_deployment_again(portal: Portal) -> None:
    portal.create({"deployment": {"kind": "StatefulSet"}})

    portal.kubectl.wait_gone("deployment", OBJECT)
    wait_until(lambda: _names(portal) == [f"{OBJECT}-0"], portal.story)
    portal.wait_deployed()
    assert portal.title() == TITLE

    portal.create()

    portal.kubectl.wait_gone("statefulset", OBJECT)
    wait_until(lambda: f"{OBJECT}-0" not in _names(portal), portal.story)
    portal.wait_deployed()
    assert len(portal.pods()) == 1
    assert portal.title() == TITLE


def test_it_sleeps_and_wakes_with_what_it_knew(portal: Portal) -> None:
    portal.register(ENTITY_URL, ENTITY_NAME)

    portal.create(annotations=_IDLE)
    portal.wait_condition("Deployed", "False", "Idled")
    wait_until(lambda: not portal.pods() + portal.pods(DATABASE), portal.story)

    portal.create()
    portal.wait_deployed()
    assert portal.entity(ENTITY_NAME)["metadata"]["name"] == ENTITY_NAME
    assert portal.ask("/api/catalog/entities", token=TOKEN).status == 200


def _names(portal: Portal) -> list[str]:
    return [pod["metadata"]["name"] for pod in portal.pods()]
