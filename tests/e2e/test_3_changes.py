"""Chapter 3: configuration changes, with one restart where one is needed."""

from .kubectl import wait_until
from .portal import DIRECTORY, Portal, app_config


def test_a_changed_app_config_makes_one_rollout_and_a_new_title(portal: Portal) -> None:
    before = portal.revision()

    title = "Another title"
    portal.config_map("portal-config", {"app-config.portal.yaml": app_config(title)})

    portal.wait_rollout(after=before)
    wait_until(lambda: portal.title() == title, portal.story)
    assert portal.revision() == before + 1


def test_a_changed_directory_arrives_without_a_restart(portal: Portal) -> None:
    before, pods = portal.revision(), portal.identities()

    portal.config_map("portal-directory", {"greeting.txt": "another greeting"})

    path = f"{DIRECTORY}/greeting.txt"
    wait_until(lambda: portal.read(path) == "another greeting", portal.story)
    assert portal.revision() == before
    assert portal.identities() == pods
