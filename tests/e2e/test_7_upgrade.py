"""Chapter 7: another version of the operator takes over, and nobody notices."""

from .conftest import Images
from .installation import Installation
from .kubectl import wait_until
from .portal import DATABASE, OBJECT, TITLE, Portal

_WORKLOADS = (("deployment", OBJECT), ("statefulset", DATABASE))


def test_an_upgraded_operator_restarts_nothing(
    portal: Portal, installation: Installation, images: Images
) -> None:
    pods = portal.identities(), portal.identities(DATABASE)
    generations = _generations(portal)

    installation.install(images.operator_next)

    # It does its work: what somebody deletes comes back.
    portal.kubectl.delete("service", OBJECT)
    wait_until(lambda: portal.kubectl.find("service", OBJECT) is not None, portal.story)
    portal.wait_deployed()
    assert portal.title() == TITLE
    assert (portal.identities(), portal.identities(DATABASE)) == pods
    assert _generations(portal) == generations


def _generations(portal: Portal) -> list[int]:
    return [
        portal.kubectl.get(*workload)["metadata"]["generation"]
        for workload in _WORKLOADS
    ]
