"""One namespace of a sandbox: what is put there, seen there, and written there."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any, Final, final

import pytest

from backstage_op import kube
from backstage_op.document import Document, ref_of
from backstage_op.sandbox import AuditEvent, Sandbox, load

from .process import wait_until

ACCOUNT: Final = ("backstage-op-system", "backstage-op")
USER: Final = "system:serviceaccount:{}:{}".format(*ACCOUNT)

_READS: Final = ("get", "list", "watch")
_DEPLOYED: Final = "Deployed"
_CREATED: Final = 201
_CLASS: Final = '"storageClassName": "'
_REFUSED: Final = 400
_CLAIMS: Final = "persistentvolumeclaims"
_DATA: Final = "data-backstage-psql-"


def operator_events(sandbox: Sandbox, offset: int) -> list[AuditEvent]:
    """Return what the operator requested of the API server since an offset."""
    return [event for event in sandbox.audit_events(offset) if event.user == USER]


def wait_for_rights(
    sandbox: Sandbox, account: tuple[str, str], namespace: str = ""
) -> None:
    """Wait until the API server knows what an account may do, which takes a moment.

    Everywhere, or in one namespace.
    """
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "system:serviceaccount:{}:{}".format(*account),
            "resourceAttributes": {
                "verb": "watch",
                "group": "rhdh.redhat.com",
                "resource": kube.BACKSTAGE.plural,
                "namespace": namespace,
            },
        },
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

    def may() -> bool:
        return bool(
            sandbox.admin.request("POST", path, json=review)["status"]["allowed"]
        )

    wait_until(may, f"{account} has no rights")


@final
class Scene:
    """A namespace with one or a few ``Backstage`` resources."""

    def __init__(self, sandbox: Sandbox, namespace: str) -> None:
        self.sandbox: Final = sandbox
        self.namespace: Final = namespace
        self._offset = sandbox.audit_offset()
        self._adopted: set[tuple[str, str]] = set()

    def backstage(
        self,
        spec: Document | None = None,
        *,
        name: str = "my",
        annotations: dict[str, str] | None = None,
    ) -> Document:
        """Apply a ``Backstage``."""
        return self.apply(
            "rhdh.redhat.com/v1alpha5",
            "Backstage",
            name,
            spec=spec or {},
            annotations=annotations,
        )

    def config_map(self, name: str, data: dict[str, str]) -> Document:
        """Apply a ConfigMap."""
        return self.apply("v1", "ConfigMap", name, data=data)

    def apply(
        self,
        api_version: str,
        kind: str,
        name: str,
        *,
        annotations: dict[str, str] | None = None,
        **fields: Any,
    ) -> Document:
        """Apply an object as administrator, and return it as stored."""
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "annotations": annotations or {},
        }
        (stored,) = self.sandbox.apply(
            {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
        )
        return stored

    def apply_file(self, path: Path) -> str:
        """Apply all objects of a file, and return the name of its ``Backstage``."""
        name = ""
        for document in load(path):
            self.apply_example(document)
            if document["kind"] == kube.BACKSTAGE.kind:
                name = document["metadata"]["name"]
        return name

    def apply_example(self, document: Document) -> None:
        """Apply an object of the documentation here, on the storage there is."""
        metadata = {**document["metadata"], "namespace": self.namespace}
        text = json.dumps({**document, "metadata": metadata})
        text = text.replace(f"{_CLASS}standard", f"{_CLASS}sandbox")
        self.sandbox.apply(json.loads(text))

    def apply_as(self, manager: str, document: Document) -> Document:
        """Apply an object server-side as a field manager that we may take over.

        What another manager has applied with another value is a conflict.
        """
        ref = ref_of(document)
        kind = kube.kind_of(ref)
        self.adopt(kind, ref.name)
        stored: Document = self.sandbox.admin.request(
            "PATCH",
            kind.path(self.namespace, ref.name),
            params={"fieldManager": manager},
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=document,
        )
        return stored

    def adopt(self, kind: kube.ResourceKind, name: str) -> None:
        """Say that the operator may write to an object that it did not create."""
        self._adopted.add((kind.plural, name))

    def find(self, kind: kube.ResourceKind, name: str) -> Document | None:
        """Return an object, None if there is none."""
        found: Document | None = self.sandbox.admin.get(kind.path(self.namespace, name))
        return found

    def get(self, kind: kube.ResourceKind, name: str) -> Document:
        """Return an object that must be there."""
        found = self.find(kind, name)
        assert found is not None, f"{kind.kind} {name} is absent"
        return found

    def names(self, kind: kube.ResourceKind) -> list[str]:
        """Return the names of all objects of a kind, sorted."""
        listing = self.sandbox.admin.get(kind.path(self.namespace)) or {}
        return sorted(item["metadata"]["name"] for item in listing["items"])

    def delete(
        self, kind: kube.ResourceKind, name: str, *, propagation: str = "Background"
    ) -> None:
        """Delete an object, without waiting for its end."""
        self.sandbox.admin.request(
            "DELETE",
            kind.path(self.namespace, name),
            json={"propagationPolicy": propagation},
        )

    def patch(
        self,
        kind: kube.ResourceKind,
        name: str,
        patch: Document,
        *,
        manager: str = "somebody",
    ) -> Document:
        """Change an object by a merge patch of another field manager."""
        changed: Document = self.sandbox.admin.request(
            "PATCH",
            kind.path(self.namespace, name),
            params={"fieldManager": manager},
            headers={"Content-Type": "application/merge-patch+json"},
            json=patch,
        )
        return changed

    def conditions(self, name: str = "my") -> dict[str, Document]:
        """Return the conditions of a resource, by type."""
        live = self.find(kube.BACKSTAGE, name) or {}
        found = (live.get("status") or {}).get("conditions") or ()
        return {condition["type"]: condition for condition in found}

    def wait_condition(
        self, condition: str, status: str, reason: str, *, name: str = "my"
    ) -> str:
        """Wait until a condition says so of the present generation.

        Returns its message.
        """

        found: Document = {}

        def is_so() -> bool:
            nonlocal found
            live = self.get(kube.BACKSTAGE, name)
            said = (live.get("status") or {}).get("conditions") or ()
            found = next((one for one in said if one["type"] == condition), {})
            return (
                found.get("status") == status
                and found.get("reason") == reason
                and found.get("observedGeneration") == live["metadata"]["generation"]
            )

        wait_until(
            is_so,
            lambda: f"want {condition}={status} {reason}: {self.conditions(name)}",
        )
        # Of the same look: the next one may say something else.
        message: str = found["message"]
        return message

    def wait_deployed(self, name: str = "my") -> None:
        """Wait until the rollout of the present generation is complete."""
        self.wait_condition(_DEPLOYED, "True", _DEPLOYED, name=name)

    def mark(self) -> int:
        """Return the place in the audit log that :meth:`writes` may start from."""
        self._settle()
        return self.sandbox.audit_offset()

    def events(self, since: int | None = None) -> list[AuditEvent]:
        """Return what the operator requested in this namespace."""
        offset = self._offset if since is None else since
        self._settle()
        return [
            event
            for event in operator_events(self.sandbox, offset)
            if event.namespace == self.namespace
        ]

    def _settle(self) -> None:
        """Return when the log has all that was answered before.

        It is written after the answer. A request of our own overtakes none that
        ended before it began; in the log it is found by its name.
        """
        offset, barrier = self.sandbox.audit_offset(), f"barrier={uuid.uuid4().hex}"
        self.sandbox.admin.get(f"/api/v1/namespaces/{self.namespace}?{barrier}")
        wait_until(
            lambda: any(
                event.request_uri.endswith(barrier)
                for event in self.sandbox.audit_events(offset)
            ),
            "the audit log is not written",
        )

    def writes(self, since: int | None = None) -> list[AuditEvent]:
        """Return what the operator wrote in this namespace, but for Events."""
        return [
            event
            for event in self.events(since)
            if event.verb not in _READS and event.resource != kube.EVENT.plural
        ]

    def told(self, name: str = "my") -> list[tuple[str, str]]:
        """Return reason and text of each Event about a resource, as they came."""
        listing = self.sandbox.admin.get(kube.EVENT.path(self.namespace)) or {}
        found = [
            item for item in listing["items"] if item["regarding"].get("name") == name
        ]
        ours = [e for e in found if e["regarding"]["kind"] == kube.BACKSTAGE.kind]
        ours.sort(key=lambda event: str(event["eventTime"]))
        return [(event["reason"], event["note"]) for event in ours]

    def written(self, since: int | None = None) -> list[str]:
        """Return what the operator wrote, each as ``resource[/subresource]``."""
        return sorted(
            "/".join(part for part in (event.resource, event.subresource) if part)
            for event in self.writes(since)
        )

    def foreign_writes(self) -> list[AuditEvent]:
        """Return what the operator wrote to objects that it did not create.

        Left out are the status of the resource, claims that a StatefulSet of
        ours made, and what a test said may be taken over.
        """
        ours = set(self._adopted)
        foreign: list[AuditEvent] = []
        for event in self.writes():
            key = (event.resource, event.name)
            if event.code == _CREATED:
                ours.add(key)
            is_refused = event.code >= _REFUSED
            is_trial = "dryRun=" in event.request_uri
            is_status = key[0] == "backstages" and event.subresource == "status"
            is_data = key[0] == _CLAIMS and event.name.startswith(_DATA)
            if not (is_refused or is_trial or is_status or is_data or key in ours):
                foreign.append(event)
        return foreign

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as administrator in this namespace; return its output."""
        program = shutil.which("kubectl")
        if program is None:
            pytest.skip("kubectl is not on PATH")
        target = ["--kubeconfig", str(self.sandbox.kubeconfig), "-n", self.namespace]
        done = subprocess.run(
            [program, *target, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout
