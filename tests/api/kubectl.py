"""kubectl as a client of the tests: many objects in one call, one verdict each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

_REFUSAL = re.compile(r'Backstage\.rhdh\.redhat\.com "(?P<name>[^"]+)" is invalid: ')


class Kubectl:
    """Runs kubectl against one control plane, in one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        program = shutil.which("kubectl")
        if program is None:
            pytest.skip("kubectl is not on PATH")
        self._base = [
            program,
            f"--kubeconfig={kubeconfig}",
            f"--namespace={namespace}",
        ]

    def run(self, *arguments: str, objects: Iterable[Any] = ()) -> tuple[str, str, int]:
        """Return what it printed, what it complained about, and its exit code."""
        done = subprocess.run(
            [*self._base, *arguments],
            input="\n".join(json.dumps(item) for item in objects),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout, done.stderr, done.returncode

    def get(self, *arguments: str) -> Any:
        """Return an object as JSON."""
        output, complaint, code = self.run("get", *arguments, "--output=json")
        assert code == 0, complaint
        return json.loads(output)

    def refusals(self, objects: Iterable[Any]) -> dict[str, str]:
        """Send objects without storing them; return why which were refused."""
        _, complaint, code = self.run(
            "create", "--dry-run=server", "--filename=-", objects=objects
        )
        found = {
            match["name"]: line[match.end() :]
            for line in complaint.splitlines()
            if (match := _REFUSAL.search(line))
        }
        assert (code == 0) == (found == {}), complaint
        return found
