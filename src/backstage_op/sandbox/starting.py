"""Start a control plane: its processes one after the other, each as soon as it can."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from backstage_op import errors

from . import assets as asset_sources
from . import commands, credentials, supervisor
from .admin import Admin
from .cluster import Sandbox
from .commands import LOOPBACK, Layout, Ports
from .control import Control
from .waiting import PortTakenError, wait_until

OnProgress = Callable[[str], None]

_DATA: Final = Path(__file__).parent / "data"
_ATTEMPTS: Final = 3
_COMPONENTS: Final = {
    "kube-controller-manager": credentials.CONTROLLERS,
    "kube-scheduler": credentials.SCHEDULER,
    "kwok": credentials.NODES,
}


def start(
    *,
    openshift: bool = False,
    offline: bool = False,
    manifests: Sequence[Path] = (),
    on_progress: OnProgress | None = None,
    directory: Path | None = None,
) -> Sandbox:
    """Start a control plane and return when it is ready for pods.

    Args:
        openshift: Serve Route and the cluster configuration of OpenShift.
        offline: Neither fetch binaries nor Go modules.
        manifests: Files or folders applied before the controllers start, so
            that garbage collection knows the kinds they define at once.
        on_progress: Told in one line what happens now.
        directory: Where the data goes; else a temporary directory that is
            removed in the end.

    Raises:
        errors.SandboxError: a binary cannot be had, or a process ended.
    """
    say = on_progress or _be_silent
    binaries = asset_sources.obtain(offline=offline, on_progress=say)
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
            wait_until(condition, what, control, layout)

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
        wait(lambda: admin.has_default_account("default"), "the default account exists")
        say(f"ready for pods after {time.monotonic() - start_time:.1f} s")
        sandbox = Sandbox(layout, control, url, admin)
        undo.pop_all()
    return sandbox


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


def _be_silent(line: str) -> None:
    del line
