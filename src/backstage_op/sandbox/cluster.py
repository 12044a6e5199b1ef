"""A running control plane: started here, used and stopped through one object."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self, final

from backstage_op import errors
from backstage_op.document import Document

from . import assets as asset_sources
from . import commands, credentials, supervisor
from .admin import Admin, Manifests
from .audit import AuditEvent, read_events
from .commands import LOOPBACK, Layout, Ports
from .control import Control

OnProgress = Callable[[str], None]

_DATA: Final = Path(__file__).parent / "data"
_START_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.02
_ATTEMPTS: Final = 3
_TOKEN_LIFETIME: Final = datetime.timedelta(hours=24)
_COMPONENTS: Final = {
    "kube-controller-manager": credentials.CONTROLLERS,
    "kube-scheduler": credentials.SCHEDULER,
    "kwok": credentials.NODES,
}


class PortTakenError(errors.SandboxError):
    """Somebody took a port between our look and our use of it."""


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
        _wait(
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
            lambda: _has_default_account(self._admin, name),
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


def start(
    *,
    openshift: bool = False,
    offline: bool = False,
    assets: Path | None = None,
    cache: Path | None = None,
    manifests: Sequence[Path] = (),
    on_progress: OnProgress | None = None,
    directory: Path | None = None,
) -> Sandbox:
    """Start a control plane and return when it is ready for pods.

    Args:
        openshift: Serve Route and the cluster configuration of OpenShift.
        offline: Neither fetch binaries nor Go modules.
        assets: A folder with some or all of the binaries; else
            ``KUBEBUILDER_ASSETS``.
        cache: Where binaries are kept; else below ``XDG_CACHE_HOME``.
        manifests: Files or folders applied before the controllers start, so
            that garbage collection knows the kinds they define at once.
        on_progress: Told in one line what happens now.
        directory: Where the data goes; else a temporary directory that is
            removed in the end.

    Raises:
        errors.SandboxError: a binary cannot be had, or a process ended.
    """
    say = on_progress or _be_silent
    binaries = asset_sources.obtain(
        offline=offline, assets=assets, cache=cache, on_progress=say
    )
    extra = [_DATA / "openshift"] if openshift else []
    for attempt in range(_ATTEMPTS):
        layout = _new_layout(directory)
        try:
            return _launch(
                layout,
                binaries,
                [*extra, *manifests],
                say,
                remove=directory is None,
            )
        except PortTakenError:
            if attempt == _ATTEMPTS - 1:
                raise
            if directory is None:
                shutil.rmtree(layout.directory, ignore_errors=True)
            say("a port was taken meanwhile; starting again on others")
    raise AssertionError("unreachable")


def _launch(
    layout: Layout,
    binaries: Mapping[str, Path],
    manifests: Sequence[Path],
    say: OnProgress,
    *,
    remove: bool,
) -> Sandbox:
    ports = _free_ports()
    tokens = credentials.write_tokens(layout.tokens)
    credentials.write_signing_key(layout.signing_key)
    url = f"https://{LOOPBACK}:{ports.apiserver}"
    control = Control.launch(layout.directory, remove=remove)
    with contextlib.ExitStack() as undo:
        undo.callback(control.stop)
        start_time = time.monotonic()

        def spawn(name: str, argv: list[str]) -> None:
            control.spawn(name, argv, layout.log(name))

        def wait(condition: Callable[[], bool], what: str) -> None:
            _wait(condition, what, control, layout)

        spawn("etcd", commands.etcd(binaries["etcd"], layout, ports))
        wait(lambda: _accepts(ports.etcd), "etcd accepts connections")
        spawn(
            "kube-apiserver",
            commands.apiserver(binaries["kube-apiserver"], layout, ports),
        )
        wait(lambda: _accepts(ports.apiserver), "the API server accepts connections")
        admin = Admin(url, layout.certificate, tokens[credentials.ADMIN])
        undo.callback(admin.close)
        wait(admin.is_ready, "the API server is ready")
        say(f"API server ready after {time.monotonic() - start_time:.1f} s")
        _write_kubeconfigs(layout, url, tokens)
        for path in manifests:
            admin.apply(path)
        node = _create_cluster(admin)
        spawn(
            "kube-controller-manager",
            commands.controller_manager(binaries["kube-controller-manager"], layout),
        )
        spawn(
            "kube-scheduler",
            commands.scheduler(binaries["kube-scheduler"], layout),
        )
        spawn("kwok", commands.kwok(binaries["kwok"], layout))
        wait(lambda: _is_schedulable(admin, node), "the node is ready")
        wait(
            lambda: _has_default_account(admin, "default"), "the default account exists"
        )
        say(f"ready for pods after {time.monotonic() - start_time:.1f} s")
        sandbox = Sandbox(layout, control, url, admin)
        undo.pop_all()
    return sandbox


def _wait(
    condition: Callable[[], bool], what: str, control: Control, layout: Layout
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        failed = control.failure()
        if failed is not None:
            raise _failure(*failed, layout)
        if time.monotonic() > deadline:
            raise errors.SandboxError(
                f"{what}: not so within {_START_SECONDS:.0f} s;"
                f" see the logs in {layout.directory}"
            )
        time.sleep(_POLL_SECONDS)


def _failure(name: str, code: int, layout: Layout) -> errors.SandboxError:
    log = layout.log(name)
    text = log.read_text(encoding="utf-8", errors="replace")
    if "address already in use" in text:
        return PortTakenError(f"{name}: address already in use")
    last = text.strip().splitlines()[-1:] or ["it wrote nothing"]
    return errors.SandboxError(
        f"{name} ended with code {code}: {last[0][:256]}; see {log}"
    )


def _new_layout(directory: Path | None) -> Layout:
    if directory is None:
        return Layout(Path(tempfile.mkdtemp(prefix="backstage-op-sandbox-")))
    directory = directory.absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if Control(directory).is_running:
        raise errors.SandboxError(
            f"a sandbox runs in {directory} already; stop it or give another directory"
        )
    layout = Layout(directory)
    _remove_leftovers(layout)
    return layout


def _remove_leftovers(layout: Layout) -> None:
    """Remove what an earlier sandbox wrote here, lest it be taken for news."""
    shutil.rmtree(layout.directory / "etcd", ignore_errors=True)
    (layout.directory / supervisor.FAILURE_NAME).unlink(missing_ok=True)
    layout.audit_log.unlink(missing_ok=True)
    for name in ("supervisor", *asset_sources.NAMES):
        layout.log(name).unlink(missing_ok=True)


def _free_ports() -> Ports:
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(3):
            listener = stack.enter_context(socket.socket())
            listener.bind((LOOPBACK, 0))
            found.append(listener.getsockname()[1])
    return Ports(*found)


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


def _write_kubeconfigs(layout: Layout, url: str, tokens: Mapping[str, str]) -> None:
    def write(path: Path, user: str) -> None:
        credentials.write_kubeconfig(
            path,
            url=url,
            certificate=layout.certificate,
            user=user,
            token=tokens[user],
        )

    write(layout.kubeconfig, credentials.ADMIN)
    for name, user in _COMPONENTS.items():
        write(layout.component_kubeconfig(name), user)


def _create_cluster(admin: Admin) -> str:
    node = ""
    for stored in admin.apply(_DATA / "cluster.yaml"):
        if stored["kind"] == "Node":
            node = stored["metadata"]["name"]
    return f"/api/v1/nodes/{node}"


def _is_schedulable(admin: Admin, path: str) -> bool:
    node = admin.get(path) or {}
    conditions = node.get("status", {}).get("conditions", ())
    is_ready = any(
        item["type"] == "Ready" and item["status"] == "True" for item in conditions
    )
    return is_ready and not node["spec"].get("taints")


def _has_default_account(admin: Admin, namespace: str) -> bool:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    return admin.get(path) is not None


def _be_silent(line: str) -> None:
    del line
