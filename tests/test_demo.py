"""The demo keeps its promises: it checks them itself, and ends with exit code 0."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.process import wait_until

ROOT = Path(__file__).parent.parent


def play(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.controlplane
def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"

    done = play("--picture", str(picture))

    assert (done.returncode, done.stderr) == (0, "")
    for promise in ("Deployed=True", "1 rollout", "0 writes", "kept  Persistent"):
        assert promise in done.stdout
    assert "http://www.w3.org/2000/svg" in picture.read_text()


@pytest.mark.controlplane
def test_what_is_kept_can_be_used_and_ended_as_it_says(kubectl: str) -> None:
    done = play("--keep")
    assert (done.returncode, done.stderr) == (0, "")
    said = dict(re.findall(r"(export KUBECONFIG=|to end it: kill )(.+)", done.stdout))
    pids = [int(pid) for pid in said["to end it: kill "].split()]

    try:
        shown = subprocess.run(
            [kubectl, "-n", "demo", "get", "backstage", "my-portal", "--no-headers"],
            env={"PATH": os.environ["PATH"], "KUBECONFIG": said["export KUBECONFIG="]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.split()[:3] == ["my-portal", "True", "Deployed"]
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGTERM)

    wait_until(lambda: not any(_runs(pid) for pid in pids), "they run on")


def _runs(pid: int) -> bool:
    """Whether a process has not ended; one that nobody waits for stays listed."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
