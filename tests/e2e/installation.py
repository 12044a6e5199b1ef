"""The operator in the cluster: the shipped manifests, with the images filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Final, final

from backstage_op import sandbox as sandboxes
from backstage_op.document import Document

from .kubectl import Kubectl, wait_until

_ROOT: Final = Path(__file__).parents[2]
_DEFINITIONS: Final = _ROOT / "crd"
_MANIFESTS: Final = _ROOT / "deploy"
_FOR_PLUGINS: Final = "plugin-rbac.yaml"

NAMESPACE: Final = "backstage-op-system"
NAME: Final = "backstage-op"
ANY_USER: Final = 1000770000
"""A user that no image knows, as OpenShift assigns one."""


@final
class Installation:
    """The operator, as an administrator installs it."""

    def __init__(self, kubectl: Kubectl, variables: dict[str, str]) -> None:
        self.kubectl: Final = kubectl.within(NAMESPACE)
        self._variables = variables

    def install(self, image: str) -> None:
        """Apply everything that ships, and return when the operator is ready."""
        self.kubectl.run(
            "apply", "--server-side", "--force-conflicts", "-f", str(_DEFINITIONS)
        )
        wait_until(self._is_served, "the definition is not established")
        for path in manifests():
            self.kubectl.apply(
                *(self._filled_in(doc, image) for doc in sandboxes.load(path))
            )
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return when the wanted operator runs, and no other."""
        wait_until(self._is_ready, self._state)

    def pods(self) -> list[Document]:
        """Return the operator's pods, sorted by name."""
        return self.kubectl.items("pod", "-l", f"app.kubernetes.io/name={NAME}")

    def log(self) -> str:
        """Return what the operator's pods wrote."""
        names = [pod["metadata"]["name"] for pod in self.pods()]
        return "".join(self.kubectl.run("logs", name) for name in names)

    def uninstall(self) -> None:
        """Delete everything that ships, the definition included."""
        files = ("-f", str(_MANIFESTS), "-f", str(_DEFINITIONS))
        self.kubectl.run("delete", "--ignore-not-found", *files, seconds=300)

    def _filled_in(self, document: Document, image: str) -> Document:
        if document["kind"] != "Deployment":
            return document
        pod = document["spec"]["template"]["spec"]
        pod["securityContext"]["runAsUser"] = ANY_USER
        [container] = pod["containers"]
        container["image"] = image
        container.setdefault("env", []).extend(
            {"name": name, "value": value} for name, value in self._variables.items()
        )
        return document

    def _is_served(self) -> bool:
        status = (
            self.kubectl.get("crd", "backstages.rhdh.redhat.com").get("status") or {}
        )
        found = {c["type"]: c["status"] for c in status.get("conditions") or ()}
        return found.get("Established") == "True"

    def _is_ready(self) -> bool:
        live = self.kubectl.get("deployment", NAME)
        status, wanted = live.get("status") or {}, live["spec"]["replicas"]
        counts = [
            status.get(f) for f in ("replicas", "updatedReplicas", "readyReplicas")
        ]
        observed = status.get("observedGeneration")
        return (
            bool(observed == live["metadata"]["generation"]) and counts == [wanted] * 3
        )

    def _state(self) -> str:
        pods = [(pod["metadata"]["name"], pod["status"]) for pod in self.pods()]
        return f"the operator is not ready: {pods}"


def manifests() -> list[Path]:
    """Return the files of an installation, the namespace first."""
    paths = sorted(set(_MANIFESTS.glob("*.yaml")) - {_MANIFESTS / _FOR_PLUGINS})
    return sorted(paths, key=lambda path: path.stem != "namespace")
