"""Chapter 2: a user asks for a portal, and gets one with everything asked for."""

from pathlib import Path

import pytest

from . import browser, timeline
from .conftest import Creation
from .portal import DATABASE, DIRECTORY, FILE, OBJECT, TITLE, TOKEN, Portal
from .tunnel import tunnel

_HEALTH = "/.backstage/health/v1/"


def test_the_health_endpoints_answer_through_the_service(portal: Portal) -> None:
    answers = {name: portal.ask(_HEALTH + name) for name in ("liveness", "readiness")}

    assert {name: answer.json() for name, answer in answers.items()} == {
        "liveness": {"status": "ok"},
        "readiness": {"status": "ok"},
    }


def test_the_page_has_the_title_of_the_users_app_config(portal: Portal) -> None:
    assert portal.title() == TITLE


def test_the_container_has_the_variable_of_the_secret(portal: Portal) -> None:
    assert portal.node("console.log(process.env.PORTAL_TOKEN)") == TOKEN


def test_the_token_from_the_secret_opens_the_catalog(portal: Portal) -> None:
    path = "/api/catalog/entities"

    assert portal.ask(path, token="another", want=401).status == 401
    assert portal.ask(path, token=TOKEN).status == 200


def test_the_container_has_the_directory_and_the_single_file(portal: Portal) -> None:
    assert portal.read(f"{DIRECTORY}/greeting.txt") == "first greeting"
    assert portal.read(FILE) == "a note"
    # One key was asked for; the other one of the ConfigMap is not there.
    beside = "console.log(require('fs').readdirSync('/opt/portal/single').join())"
    assert portal.node(beside) == "note.txt"


def test_its_pods_are_restricted(portal: Portal) -> None:
    namespace = portal.kubectl.get("namespace", portal.kubectl.namespace)

    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert [len(portal.pods(name)) for name in (OBJECT, DATABASE)] == [1, 1]


def test_the_database_was_ready_before_the_portal_was_made(
    creation: Creation, pictures: Path
) -> None:
    bars = timeline.bars(creation.changes)

    (pictures / "creation.svg").write_text(
        timeline.draw(bars, "One Backstage, from its creation until it is deployed")
    )
    at = {bar.label: bar for bar in bars}
    database, deployment = at[timeline.DATABASE_LABEL], at[timeline.PORTAL_LABEL]
    assert database.end is not None
    assert database.end <= deployment.start
    assert deployment.end is not None
    assert at[timeline.RESOURCE_LABEL].end is not None
    for bar in bars:
        print(bar)


def test_a_browser_shows_the_portal(
    portal: Portal, pictures: Path, tmp_path: Path
) -> None:
    program = browser.find()
    if program is None:
        pytest.skip("no chromium on PATH")

    with (
        tunnel(portal.kubectl, f"service/{OBJECT}", 80) as url,
        browser.Browser(program, tmp_path) as page,
    ):
        page.open(url)
        page.wait_text(TITLE)
        page.click("Enter")
        page.wait_text("Catalog")
        page.open(f"{url}/catalog")
        page.wait_text("example-website")
        (pictures / "portal.png").write_bytes(page.picture())


def test_the_operator_says_so_in_its_columns(portal: Portal) -> None:
    header, row = portal.kubectl.run("get", "backstage").splitlines()

    assert header.split()[:3] == ["NAME", "DEPLOYED", "REASON"]
    assert row.split()[:3] == ["my", "True", "Deployed"]
