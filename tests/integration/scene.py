"""One namespace of a sandbox: what is put there, seen there, and written there."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any, Final, final

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import AuditEvent, Sandbox

from .process import wait_until

ACCOUNT: Final = ("backstage-op-system", "backstage-op")
USER: Final = "system:serviceaccount:{}:{}".format(*ACCOUNT)

_READS: Final = ("get", "list", "watch")
_DEPLOYED: Final = "Deployed"


def operator_events(sandbox: Sandbox, offset: int) -> list[AuditEvent]:
    """Return what the operator requested of the API server since an offset."""
    return [event for event in sandbox.audit_events(offset) if event.user == USER]


@final
class Scene:
    """A namespace with one or a few ``Backstage`` resources."""

    def __init__(self, sandbox: Sandbox, namespace: str) -> None:
        self.sandbox: Final = sandbox
        self.namespace: Final = namespace
        self._offset = sandbox.audit_offset()

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

    def delete(self, kind: kube.ResourceKind, name: str) -> None:
        """Delete an object, without waiting for its end."""
        self.sandbox.admin.request(
            "DELETE",
            kind.path(self.namespace, name),
            json={"propagationPolicy": "Background"},
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

        def is_so() -> bool:
            live = self.get(kube.BACKSTAGE, name)
            found = self.conditions(name).get(condition, {})
            return (
                found.get("status") == status
                and found.get("reason") == reason
                and found.get("observedGeneration") == live["metadata"]["generation"]
            )

        wait_until(
            is_so,
            lambda: f"want {condition}={status} {reason}: {self.conditions(name)}",
        )
        message: str = self.conditions(name)[condition]["message"]
        return message

    def wait_deployed(self, name: str = "my") -> None:
        """Wait until the rollout of the present generation is complete."""
        self.wait_condition(_DEPLOYED, "True", _DEPLOYED, name=name)

    def mark(self) -> int:
        """Return the place in the audit log that :meth:`writes` may start from."""
        return self.sandbox.audit_offset()

    def events(self, since: int | None = None) -> list[AuditEvent]:
        """Return what the operator requested in this namespace."""
        offset = self._offset if since is None else since
        return [
            event
            for event in operator_events(self.sandbox, offset)
            if event.namespace == self.namespace
        ]

    def writes(self, since: int | None = None) -> list[AuditEvent]:
        """Return what the operator wrote in this namespace."""
        return [event for event in self.events(since) if event.verb not in _READS]

    def written(self, since: int | None = None) -> list[str]:
        """Return what the operator wrote, each as ``resource[/subresource]``."""
        return sorted(
            "/".join(part for part in (event.resource, event.subresource) if part)
            for event in self.writes(since)
        )

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as administrator in this namespace; return its output."""
        program = shutil.which("kubectl")
        if program is None:
            pytest.skip("kubectl is not on PATH")
        target = ["--kubeconfig", str(self.sandbox.kubeconfig), "-n", self.namespace]
        done = subprocess.run(
            [program, *target, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout
