"""Chapter 4: an image that cannot run; the old pod serves until it is mended."""

from .kubectl import wait_until
from .portal import Portal

_BROKEN = "localhost/backstage:no-such-tag"
_HEALTH = "/.backstage/health/v1/readiness"


def test_the_status_tells_and_the_old_pod_serves_until_it_is_mended(
    portal: Portal,
) -> None:
    [old] = portal.identities()

    with portal.visitor.asking(portal.url + _HEALTH) as visit:
        portal.create({"application": {"image": _BROKEN}})
        told = portal.wait_condition("Runtime", "False", "ContainerFailed")
        deployed = portal.condition("Deployed")
        assert deployed["status"] == "False"
        wait_until(lambda: len(portal.pods()) == 2, portal.story)
        assert old in portal.identities()

        portal.create()
        portal.wait_deployed()
        portal.wait_condition("Runtime", "True", "Running")

    for words in ("backstage-backend", _BROKEN):
        assert words in told
    assert portal.identities() == [old]
    assert visit.failed == []
    assert visit.served > 0
