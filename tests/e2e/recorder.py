"""What happens in a namespace, with the moment at which each change was seen."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, Self, final

from backstage_op.document import Document

from .kubectl import Kubectl, wait_until

_PATHS: Final = {
    "Backstage": "/apis/rhdh.redhat.com/v1alpha5/namespaces/{}/backstages",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
}


class Change(NamedTuple):
    """One event of a watch; ``at`` is of a clock that only runs forward."""

    at: float
    kind: str
    name: str
    type: str
    document: Document


@final
class Recorder:
    """Watches while its block runs. Watches are as late as the API server is."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.changes: Final[list[Change]] = []
        self._kubectl = kubectl
        self._lock = threading.Lock()
        self._watches: list[subprocess.Popen[str]] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for kind, path in _PATHS.items():
            query = (
                f"{path.format(self._kubectl.namespace)}?watch=1&timeoutSeconds=1800"
            )
            watch = subprocess.Popen(
                self._kubectl.command("get", "--raw", query),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            thread = threading.Thread(
                target=self._read, args=(kind, watch), daemon=True
            )
            self._watches.append(watch)
            self._threads.append(thread)
            thread.start()
        self._wait_watching()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for watch in self._watches:
            watch.kill()
        for thread in self._threads:
            thread.join(10)
        for watch in self._watches:
            # Waits, and closes the pipe.
            watch.communicate()

    def wait_for(self, kind: str, name: str, is_so: Callable[[Document], bool]) -> None:
        """Return when an object was seen as it should be."""
        wait_until(
            lambda: any(
                (change.kind, change.name) == (kind, name) and is_so(change.document)
                for change in self.changes
            ),
            f"the watch does not show {kind} {name} as it should be",
        )

    def _wait_watching(self) -> None:
        """Return when the watches have shown a ConfigMap made for this."""
        probe = "recorder-probe"
        metadata = {"name": probe}
        self._kubectl.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        )
        self.wait_for("ConfigMap", probe, lambda _: True)
        self._kubectl.delete("configmap", probe)

    def _read(self, kind: str, watch: subprocess.Popen[str]) -> None:
        assert watch.stdout is not None
        for line in watch.stdout:
            at = time.monotonic()
            with contextlib.suppress(json.JSONDecodeError):
                event = json.loads(line)
                name = event["object"].get("metadata", {}).get("name", "")
                change = Change(at, kind, name, event["type"], event["object"])
                with self._lock:
                    self.changes.append(change)
