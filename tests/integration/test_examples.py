"""The examples do what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

from backstage_op import kube
from backstage_op.sandbox import load

from .process import clean_environment, wait_until
from .scene import Scene

EXAMPLES = Path(__file__).parents[2] / "examples"


def _run(name: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
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
    assert first[-1] == f"{name}: ok=0 changed=6 waiting=0 failed=0 blocked=1"
    assert first[0].startswith("changed")

    def is_done() -> bool:
        last = _run("embed.py", *arguments)[-1]
        return last == f"{name}: ok=7 changed=0 waiting=0 failed=0 blocked=0"

    wait_until(is_done, "it is never quiet")
    assert scene.conditions("embedded")["Deployed"]["status"] == "True"


@pytest.mark.controlplane
@pytest.mark.usefixtures("operator")
def test_the_example_of_a_resource_is_deployed(scene: Scene) -> None:
    for document in load(EXAMPLES / "backstage.yaml"):
        fields = {
            key: value
            for key, value in document.items()
            if key not in ("apiVersion", "kind", "metadata")
        }
        name = document["metadata"]["name"]
        scene.apply(document["apiVersion"], document["kind"], name, **fields)

    scene.wait_deployed("my-portal")

    container = scene.get(kube.DEPLOYMENT, "backstage-my-portal")["spec"]["template"][
        "spec"
    ]["containers"][0]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert "my-app-config" in mounted
    assert {"secretRef": {"name": "my-environment"}} in container["envFrom"]
