"""``backstage-op sandbox``: a control plane on this machine, to try things on."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from backstage_op import errors, sandbox
from backstage_op.config import manifests
from backstage_op.settings import SandboxSettings

_FORMATS: Final = ("table", "json", "yaml")


def _directory(name: str) -> Path:
    return SandboxSettings.from_env().cache / "sandboxes" / name


def _say(line: str) -> None:
    click.echo(line, err=True)


_name = click.option(
    "--name", default="default", show_default=True, help="Which of several sandboxes."
)
_offline = click.option("--offline", is_flag=True, help="Download nothing.")


@click.group("sandbox")
def group() -> None:
    """Run a real control plane on this machine."""


@group.command()
@_offline
def prepare(*, offline: bool) -> None:
    """Get the binaries, so that the next start is quick; kubectl if there is none."""
    found = sandbox.obtain(
        offline=offline,
        on_progress=_say,
        with_kubectl=shutil.which("kubectl") is None,
    )
    for name, path in found.items():
        click.echo(f"{name}\t{path}")


@group.command()
@_name
@_offline
@click.option("--openshift", is_flag=True, help="Serve Route and a cluster domain.")
def up(*, name: str, offline: bool, openshift: bool) -> None:
    """Start one, and leave it running."""
    directory = _directory(name)
    if sandbox.find(directory) is not None:
        raise errors.SandboxError(
            f'sandbox "{name}" runs already; use it, or end it with: '
            f"backstage-op sandbox down --name {name}"
        )
    # What one that died left behind is of no use.
    sandbox.end(directory)
    box = sandbox.start(
        offline=offline, openshift=openshift, directory=directory, on_progress=_say
    )
    box.detach()
    click.echo(f"export KUBECONFIG={box.kubeconfig}")


@group.command()
@_name
def down(*, name: str) -> None:
    """Stop one, and remove its data."""
    was_running = sandbox.end(_directory(name))
    click.echo(f'sandbox "{name}" {"stopped" if was_running else "did not run"}')


@group.command()
@_name
@click.option("-o", "--output", type=click.Choice(_FORMATS), default="table")
def status(*, name: str, output: str) -> None:
    """Show what runs."""
    pids = sandbox.find(_directory(name))
    content = {"name": name, "running": pids is not None, "processes": dict(pids or {})}
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(content)).decode())
    elif output == "yaml":
        click.echo(manifests.dump(content, sort_keys=False), nl=False)
    else:
        click.echo(f"{'PROCESS':26}PID")
        for process, pid in (pids or {}).items():
            click.echo(f"{process:26}{pid}")
    if pids is None:
        _say(f'sandbox "{name}" does not run')
        sys.exit(1)


@group.command()
@_name
def env(*, name: str) -> None:
    """Print what a shell needs to use one."""
    directory = _directory(name)
    if sandbox.find(directory) is None:
        raise errors.SandboxError(
            f'sandbox "{name}" does not run; start it with: '
            f"backstage-op sandbox up --name {name}"
        )
    click.echo(f"export KUBECONFIG={directory / 'kubeconfig'}")
