"""A running control plane, used and stopped through one object."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self, final

from backstage_op.document import Document

from . import credentials
from .admin import Admin, Manifests
from .audit import AuditEvent, read_events
from .commands import Layout
from .control import Control
from .waiting import wait_until

_TOKEN_LIFETIME: Final = datetime.timedelta(hours=24)


@final
class Sandbox:
    """A control plane that runs on this machine, until :meth:`stop`.

    It ends with the process that started it, unless that called :meth:`detach`.
    As a context manager it stops in the end.
    """

    def __init__(self, layout: Layout, control: Control, url: str, admin: Admin):
        self._layout = layout
        self._control = control
        self._admin = admin
        self.url: Final = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def directory(self) -> Path:
        """Where it keeps its data and the output of its processes."""
        return self._layout.directory

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._layout.kubeconfig

    @property
    def audit_log(self) -> Path:
        """The API server's audit log: a line of JSON per request."""
        return self._layout.audit_log

    @property
    def admin(self) -> Admin:
        """An administrator's client."""
        return self._admin

    @property
    def pids(self) -> Mapping[str, int]:
        """The processes by name; ``supervisor`` is the one that owns the others."""
        status = self._control.status()
        return {"supervisor": status.pid, **status.processes}

    def stop(self) -> None:
        """End all processes and return when they have ended. May be repeated.

        A directory that was made for this sandbox is removed.
        """
        self._admin.close()
        self._control.stop()

    def restart_api_server(self) -> None:
        """Kill the API server and start it again; return when it is ready.

        What it has stored stays. All its connections break.
        """
        self._control.restart("kube-apiserver")
        wait_until(
            self._admin.is_ready,
            "the API server is ready again",
            self._control,
            self._layout,
        )

    def detach(self) -> None:
        """Let the control plane run on when this process ends."""
        self._control.detach()

    def apply(self, manifests: Manifests) -> list[Document]:
        """Apply objects as administrator; return them as the server stored them.

        Definitions of custom resources go first and are waited for. Garbage
        collection learns a kind that is defined now within 30 s; one that was
        given to :func:`start` it knows from the beginning.

        Raises:
            errors.SandboxError: the server refuses one.
        """
        return self._admin.apply(manifests)

    def create_namespace(self, name: str) -> None:
        """Create a namespace; return when its default ServiceAccount exists."""
        self.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        self._admin.wait_until(
            lambda: self._admin.has_default_account(name),
            f"the default ServiceAccount of namespace {name} exists",
        )

    def delete_namespace(self, name: str) -> None:
        """Ask for the end of a namespace, without waiting for it."""
        self._admin.request("DELETE", f"/api/v1/namespaces/{name}")

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """Return a kubeconfig for a ServiceAccount that exists; valid for 24 h.

        Raises:
            errors.SandboxError: there is no such ServiceAccount.
        """
        token = self._admin.token(namespace, name, _TOKEN_LIFETIME)
        return credentials.write_kubeconfig(
            self.directory / f"{namespace}.{name}.kubeconfig",
            url=self.url,
            certificate=self._layout.certificate,
            user=f"system:serviceaccount:{namespace}:{name}",
            token=token,
        )

    def audit_offset(self) -> int:
        """Return the present size of the audit log, for :meth:`audit_events`."""
        return self.audit_log.stat().st_size

    def audit_events(self, offset: int = 0) -> list[AuditEvent]:
        """Return the requests that were answered, from an offset on."""
        return read_events(self.audit_log, offset)
