"""The examples do what they say."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs import pages

from backstage_op import api

from .conftest import StartOperator
from .process import clean_environment, wait_until
from .scene import Scene

EXAMPLES = Path(__file__).parents[2] / "examples"
RESOURCES = sorted(EXAMPLES.glob("*.yaml"))
PAGE = "docs/configuration.md"
PROFILES = ("backstage.io", "rhdh")


def _run(name: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
    )
    return done.stdout.splitlines()


def test_own_graph_changes_once_and_is_quiet_then(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    first, second = _run("own_graph.py", str(folder)), _run("own_graph.py", str(folder))

    assert first == [
        "changed  folder",
        "changed  greeting",
        "ok=0 changed=2 waiting=0 failed=0 blocked=0",
    ]
    assert second == [
        "ok       folder",
        "ok       greeting",
        "ok=2 changed=0 waiting=0 failed=0 blocked=0",
    ]
    assert (folder / "greeting.txt").read_text() == "hello\n"


@pytest.mark.controlplane
def test_embed_deploys_a_portal_in_a_few_walks(scene: Scene) -> None:
    scene.backstage(name="embedded")
    arguments = [str(scene.sandbox.kubeconfig), scene.namespace, "embedded"]

    first = _run("embed.py", *arguments)

    name = f"{scene.namespace}/embedded"
    assert first[-1] == f"{name}: ok=0 changed=7 waiting=0 failed=0 blocked=1"
    assert first[0].startswith("changed")

    def is_done() -> bool:
        last = _run("embed.py", *arguments)[-1]
        return last == f"{name}: ok=8 changed=0 waiting=0 failed=0 blocked=0"

    wait_until(is_done, "it is never quiet")
    assert scene.conditions("embedded")["Deployed"]["status"] == "True"


@pytest.mark.controlplane
@pytest.mark.timeout(900)
@pytest.mark.parametrize("profile", PROFILES)
def test_the_examples_of_a_resource_are_deployed(
    scene: Scene, start_operator: StartOperator, profile: str
) -> None:
    start_operator(f"--profile={profile}", f"--namespace={scene.namespace}")
    names = [scene.apply_file(path) for path in RESOURCES if _profile(path) == profile]

    for name in names:
        reason = "Idled" if name == "idle" else "Deployed"
        status = "False" if name == "idle" else "True"
        scene.wait_condition("Deployed", status, reason, name=name)

    assert names != []


@pytest.mark.controlplane
@pytest.mark.timeout(900)
def test_the_examples_of_the_documentation_are_deployed(
    scene: Scene, start_operator: StartOperator
) -> None:
    start_operator(f"--namespace={scene.namespace}")
    documents = [one for _, page in pages.examples(PAGE) for one in page]
    for document in documents:
        scene.apply_example(document)

    names = [d["metadata"]["name"] for d in documents if d["kind"] == api.KIND]
    for name in names:
        scene.wait_deployed(name)

    assert names != []


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_an_example_says_what_it_shows_and_which_profile_it_needs(path: Path) -> None:
    first, *_ = path.read_text().splitlines()

    assert first.startswith("# ")
    assert _profile(path) in PROFILES


def test_there_are_examples_for_all_usual_situations() -> None:
    assert {path.stem for path in RESOURCES} >= {
        "air-gapped",
        "backstage",
        "external-database",
        "flavour",
        "github-auth",
        "http-route",
        "idle",
        "ingress",
        "plugins",
        "stateful-set",
    }


def _profile(path: Path) -> str:
    """Return the profile that an example needs, as its comment says."""
    return "rhdh" if "--profile rhdh" in path.read_text() else "backstage.io"
