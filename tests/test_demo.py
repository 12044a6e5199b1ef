"""The demo keeps its promises: it checks them itself, and ends with exit code 0."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.controlplane
def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"

    done = subprocess.run(
        [sys.executable, "-m", "demo", "--picture", str(picture)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    for promise in ("Deployed=True", "1 rollout", "0 writes", "kept  Persistent"):
        assert promise in done.stdout
    assert "http://www.w3.org/2000/svg" in picture.read_text()
