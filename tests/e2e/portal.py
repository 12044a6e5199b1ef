"""One ``Backstage`` in a namespace of its own: asked for, looked at, and visited."""

from __future__ import annotations

import copy
import json
from typing import Any, Final, final

from backstage_op.document import Document

from .kubectl import Kubectl, KubectlError, wait_until
from .visitor import Answer, Visitor

NAME: Final = "my"
OBJECT: Final = f"backstage-{NAME}"
DATABASE: Final = f"backstage-psql-{NAME}"
DATABASE_SECRET: Final = f"backstage-psql-secret-{NAME}"
TITLE: Final = "The portal of the tests"
TOKEN: Final = "a-token-of-the-tests"
DIRECTORY: Final = "/opt/portal/directory"
FILE: Final = "/opt/portal/single/note.txt"

_RESOURCE: Final = ("backstages.rhdh.redhat.com", NAME)
_SPEC: Final[Document] = {
    "application": {
        "appConfig": {"configMaps": [{"name": "portal-config"}]},
        "extraEnvs": {"secrets": [{"name": "portal-variables"}]},
        "extraFiles": {
            "configMaps": [
                {"name": "portal-directory", "mountPath": DIRECTORY},
                {
                    "name": "portal-file",
                    "key": "note.txt",
                    "mountPath": "/opt/portal/single",
                },
            ]
        },
    }
}


def app_config(title: str) -> str:
    """Return an app-config with a title, and with what the tests need.

    JSON is YAML: nothing needs quoting.
    """
    access = {"token": "${PORTAL_TOKEN}", "subject": "tests"}
    return json.dumps(
        {
            "app": {"title": title},
            "organization": {"name": "Our company"},
            "backend": {
                "auth": {"externalAccess": [{"type": "static", "options": access}]},
                "reading": {"allow": [{"host": "visitor:8080"}]},
            },
        }
    )


def merged(spec: Document, changes: Document) -> Document:
    """Return a spec with changes, as a merge patch would make them."""
    result = copy.deepcopy(spec)
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = merged(old, value)
        else:
            result[key] = value
    return result


@final
class Portal:
    """The resource, what the operator made of it, and the web server."""

    def __init__(self, kubectl: Kubectl, visitor: Visitor) -> None:
        self.kubectl: Final = kubectl
        self.visitor: Final = visitor
        self.url: Final = f"http://{OBJECT}"

    # -- what a user asks for

    def prepare(self) -> None:
        """Apply the ConfigMaps and the Secret that the resource refers to."""
        self.config_map("portal-config", {"app-config.portal.yaml": app_config(TITLE)})
        self.config_map("portal-directory", {"greeting.txt": "first greeting"})
        self.config_map("portal-file", {"note.txt": "a note", "other.txt": "unused"})
        self.secret("portal-variables", {"PORTAL_TOKEN": TOKEN})

    def create(
        self,
        changes: Document | None = None,
        annotations: dict[str, str] | None = None,
    ) -> None:
        """Apply the resource as it is at the beginning, with a few changes."""
        self.kubectl.apply(
            {
                "apiVersion": "rhdh.redhat.com/v1alpha5",
                "kind": "Backstage",
                "metadata": {"name": NAME, "annotations": annotations or {}},
                "spec": merged(_SPEC, changes or {}),
            }
        )

    def delete(self) -> None:
        """Delete the resource, and return when its pods are gone."""
        self.kubectl.delete(*_RESOURCE)
        for name in (OBJECT, DATABASE):
            selector = f"rhdh.redhat.com/app={name}"
            wait_until(
                lambda selector=selector: not self.kubectl.items("pod", "-l", selector),  # type: ignore[misc]
                lambda: self.kubectl.names("pod"),
            )

    def config_map(self, name: str, data: dict[str, str]) -> None:
        """Apply a ConfigMap."""
        metadata = {"name": name}
        self.kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata,
                "data": data,
            }
        )

    def secret(self, name: str, data: dict[str, str]) -> None:
        """Apply a Secret."""
        metadata = {"name": name}
        self.kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": metadata,
                "stringData": data,
            }
        )

    # -- what the operator says

    def live(self) -> Document:
        """Return the resource as it is stored."""
        return self.kubectl.get(*_RESOURCE)

    def condition(self, name: str) -> Document:
        """Return a condition of the present generation; nothing if there is none."""
        live = self.live()
        for condition in (live.get("status") or {}).get("conditions") or ():
            if condition["type"] == name:
                current = (
                    condition["observedGeneration"] == live["metadata"]["generation"]
                )
                return dict(condition) if current else {}
        return {}

    def wait_condition(self, name: str, status: str, reason: str) -> str:
        """Wait until a condition says so, and return its message."""

        def is_so() -> bool:
            found = self.condition(name)
            return (found.get("status"), found.get("reason")) == (status, reason)

        wait_until(is_so, lambda: f"want {name}={status} {reason}: {self.story()}")
        return str(self.condition(name)["message"])

    def wait_deployed(self) -> None:
        """Wait with kubectl, as a user would, for the present generation."""
        self.wait_condition("Deployed", "True", "Deployed")

    def story(self) -> str:
        """Return what one would look at if something is wrong."""
        state = [json.dumps(self.live().get("status"))]
        for pod in self.kubectl.items("pod"):
            statuses = pod["status"].get("containerStatuses") or []
            state.append(f"{pod['metadata']['name']}: {[s['state'] for s in statuses]}")
        return "\n".join(state)

    # -- what runs

    def pods(self, name: str = OBJECT) -> list[Document]:
        """Return the pods that are not about to end, sorted by name."""
        return [
            pod
            for pod in self.kubectl.items("pod", "-l", f"rhdh.redhat.com/app={name}")
            if "deletionTimestamp" not in pod["metadata"]
        ]

    def identities(self, name: str = OBJECT) -> list[tuple[str, int]]:
        """Return the pods by uid, with the number of restarts in each."""
        return [
            (
                pod["metadata"]["uid"],
                sum(s["restartCount"] for s in pod["status"]["containerStatuses"]),
            )
            for pod in self.pods(name)
        ]

    def revision(self) -> int:
        """Return the number of the Deployment's last rollout."""
        metadata = self.kubectl.get("deployment", OBJECT)["metadata"]
        return int(metadata["annotations"]["deployment.kubernetes.io/revision"])

    def wait_rollout(self, after: int) -> None:
        """Wait until a rollout after the given one is complete."""
        wait_until(
            lambda: self.revision() > after,
            lambda: f"no rollout after {after}: {self.story()}",
        )
        self.wait_settled()
        self.wait_deployed()

    def wait_settled(self) -> None:
        """Wait until as many pods run as are wanted, and none is about to end."""
        wait_until(self._is_settled, self.story)

    def node(self, script: str) -> str:
        """Run a script in the portal's container, and return what it printed.

        Asked again while pods are replaced.
        """
        printed: list[str] = []

        def has_run() -> bool:
            try:
                pod = self.pods()[-1]["metadata"]["name"]
                printed.append(self.kubectl.exec(pod, "node", "-e", script))
            except (KubectlError, IndexError):
                return False
            return True

        wait_until(has_run, self.story)
        return printed[-1].strip()

    def read(self, path: str) -> str:
        """Return a file of the portal's container."""
        found = f"require('fs').readFileSync({json.dumps(path)}, 'utf8')"
        return self.node(f"console.log({found})")

    # -- what a visitor gets

    def ask(
        self, path: str, *, want: int = 200, method: str = "GET", **more: Any
    ) -> Answer:
        """Ask until an answer has the wanted status, and return it."""
        answers: list[Answer] = []

        def is_answered() -> bool:
            answers.append(self.visitor.ask(self.url + path, method=method, **more))
            return answers[-1].status == want

        wait_until(
            is_answered, lambda: f"{method} {path}: {answers[-1]}\n{self.story()}"
        )
        return answers[-1]

    def title(self) -> str:
        """Return the title of the page."""
        page = self.ask("/").body
        return page.partition("<title>")[2].partition("</title>")[0]

    def entity(self, name: str) -> Document:
        """Return a component of the catalog."""
        path = f"/api/catalog/entities/by-name/component/default/{name}"
        found: Document = self.ask(path, token=TOKEN).json()
        return found

    def register(self, url: str, name: str) -> None:
        """Register a file of the network in the catalog, if it is not there yet.

        Returns when the catalog has what the file describes.
        """
        body = {"type": "url", "target": url}
        path = "/api/catalog/locations"

        def is_registered() -> bool:
            more: dict[str, Any] = {"method": "POST", "token": TOKEN, "body": body}
            return self.visitor.ask(self.url + path, **more).status in (201, 409)

        wait_until(is_registered, self.story)
        self.entity(name)

    def _is_settled(self) -> bool:
        return len(self.pods()) == self._wanted() and not self._ending()

    def _wanted(self) -> int:
        return int(self.kubectl.get("deployment", OBJECT)["spec"]["replicas"])

    def _ending(self) -> bool:
        selector = f"rhdh.redhat.com/app={OBJECT}"
        every = self.kubectl.items("pod", "-l", selector)
        return any("deletionTimestamp" in pod["metadata"] for pod in every)
