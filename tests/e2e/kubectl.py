"""kubectl, and waiting: how these tests talk to a cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from backstage_op.document import Document

_POLL_SECONDS: Final = 0.5
DEADLINE_SECONDS: Final = 300.0
"""Far beyond what anything takes on two busy cores; a wait ends when it is so."""


class KubectlError(Exception):
    """kubectl ended with an error, or not in time."""


def wait_until(
    is_so: Callable[[], bool],
    what: Callable[[], object] | str,
    seconds: float = DEADLINE_SECONDS,
) -> None:
    """Poll until something is so; fail with ``what``, as it is then."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(what if isinstance(what, str) else what())
        time.sleep(_POLL_SECONDS)


@final
class Kubectl:
    """kubectl for one cluster, and one namespace of it."""

    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        self.kubeconfig: Final = kubeconfig
        self.namespace: Final = namespace
        self._program = shutil.which("kubectl") or "kubectl"

    def within(self, namespace: str) -> Kubectl:
        """Return the same for another namespace."""
        return Kubectl(self.kubeconfig, namespace)

    def command(self, *arguments: str) -> list[str]:
        """Return a command line."""
        target = ["--kubeconfig", str(self.kubeconfig), "-n", self.namespace]
        return [self._program, *target, *arguments]

    def run(self, *arguments: str, stdin: str = "", seconds: float = 60) -> str:
        """Run kubectl, and return what it printed.

        Raises:
            KubectlError: It failed, or did not end within ``seconds``.
        """
        command = self.command(*arguments)
        try:
            done = subprocess.run(
                command,
                check=False,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"{arguments}: no end after {seconds} s") from error
        if done.returncode:
            raise KubectlError(f"{arguments}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *documents: Document) -> None:
        """Apply objects server-side, as an administrator would."""
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
        options = ("--server-side", "--force-conflicts")
        self.run("apply", *options, "-f", "-", stdin=stdin)

    def find(self, *what: str) -> Document | None:
        """Return an object (``"secret", "name"``), None if there is none."""
        printed = self.run("get", *what, "-o", "json", "--ignore-not-found")
        return json.loads(printed) if printed.strip() else None

    def get(self, *what: str) -> Document:
        """Return an object that must be there."""
        found = self.find(*what)
        assert found is not None, f"{' '.join(what)} is absent"
        return found

    def items(self, *what: str) -> list[Document]:
        """Return objects of a kind, sorted by name."""
        listing = self.find(*what) or {"items": []}
        return sorted(listing["items"], key=lambda item: item["metadata"]["name"])

    def names(self, *what: str) -> list[str]:
        """Return the names of objects of a kind, sorted."""
        return [item["metadata"]["name"] for item in self.items(*what)]

    def patch(self, kind: str, name: str, patch: Document) -> None:
        """Change an object by a merge patch."""
        self.run("patch", kind, name, "--type=merge", "-p", json.dumps(patch))

    def exec(self, pod: str, *command: str, seconds: float = 60) -> str:
        """Run a program in a pod, and return what it printed."""
        return self.run("exec", pod, "--", *command, seconds=seconds)

    def delete(self, *what: str) -> None:
        """Delete an object, and return when it is gone."""
        seconds = DEADLINE_SECONDS
        options = ("--ignore-not-found", "--wait", f"--timeout={seconds:.0f}s")
        self.run("delete", *what, *options, seconds=seconds + 30)

    def wait_gone(self, *what: str) -> None:
        """Return when there is no such object."""
        wait_until(lambda: self.find(*what) is None, f"{' '.join(what)} is still there")

    def may(self, user: str, verb: str, group: str, resource: str) -> bool:
        """Return whether a user has a right in all namespaces."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user,
                "resourceAttributes": {
                    "verb": verb,
                    "group": group,
                    "resource": resource,
                },
            },
        }
        options = ("create", "-o", "json", "-f", "-")
        return bool(
            json.loads(self.run(*options, stdin=json.dumps(review)))["status"][
                "allowed"
            ]
        )
