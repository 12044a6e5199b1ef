"""The binaries from source: one pinned Go module names all of them.

``k8s.io/kubernetes`` cannot be installed by ``go install``, since its module
has replacements; a module of our own, with the same ones, can build it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from backstage_op import errors

MODULE: Final = Path(__file__).parent / "data" / "gomod"

_PACKAGES: Final = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}
FLAGS: Final = ("-mod=readonly", "-buildvcs=false", "-trimpath")
_LEAST_GO: Final = (1, 26)
_LEAST_FREE_BYTES: Final = 6 << 30
_REPORT_SECONDS: Final = 10.0
_VERSION_PACKAGE: Final = "k8s.io/component-base/version"


def versions() -> dict[str, str]:
    """Return the versions of Kubernetes, etcd and KWOK that are built."""
    text = (MODULE / "go.mod").read_text(encoding="utf-8")
    found = {}
    for name, module in (
        ("kubernetes", "k8s.io/kubernetes"),
        ("etcd", "go.etcd.io/etcd/server/v3"),
        ("kwok", "sigs.k8s.io/kwok"),
    ):
        match = re.search(rf"^\s*{re.escape(module)} (v\S+)", text, re.MULTILINE)
        assert match is not None, module  # noqa: S101 - the file is ours
        found[name] = match[1]
    return found


def check(folder: Path) -> None:
    """Check that a build can work, before anything is begun.

    Raises:
        errors.SandboxError: no Go, one that is too old, or too little disk.
    """
    go = shutil.which("go")
    wanted = ".".join(map(str, _LEAST_GO))
    if go is None:
        raise errors.SandboxError(
            f"no Go toolchain on PATH; install Go {wanted} or later, or set "
            "KUBEBUILDER_ASSETS to a folder with " + ", ".join(_PACKAGES)
        )
    output = subprocess.run(  # noqa: S603 - found on PATH
        [go, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", output)[:2])
    if version < _LEAST_GO:
        found = output.strip() or "an unknown version"
        raise errors.SandboxError(
            f"Go {wanted} or later is needed, found {found}; install a newer one"
        )
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise errors.SandboxError(
            f"{folder}: {free >> 30} GiB free, {_LEAST_FREE_BYTES >> 30} GiB needed; "
            "make room, or set XDG_CACHE_HOME to another disk"
        )


def build(
    names: Iterable[str],
    folder: Path,
    *,
    offline: bool,
    on_built: Callable[[str, Path], None],
    on_progress: Callable[[str], None],
) -> None:
    """Build binaries, and hand over each as it is complete.

    They share most of their packages, so the first ones take the longest.

    Raises:
        errors.SandboxError: the toolchain says why.
    """
    wanted = list(names)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as place:
        work = Path(place)
        shutil.copyfile(MODULE / "go.mod", work / "go.mod")
        # What kubectl needs besides has a file of its own: it is no part of what
        # the name of the cache stands for.
        (work / "go.sum").write_bytes(
            (MODULE / "go.sum").read_bytes() + (MODULE / "kubectl.sum").read_bytes()
        )
        for number, name in enumerate(wanted, 1):
            title = f"building {number}/{len(wanted)} {name}"
            output = work / name
            _run(_command(name, output), work, offline, title, start, on_progress)
            on_built(name, output)


def _command(name: str, output: Path) -> list[str]:
    version = versions()["kubernetes"]
    major, minor, *_ = version.removeprefix("v").split(".")
    flags = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    linker = " ".join(f"-X {_VERSION_PACKAGE}.{k}={v}" for k, v in flags.items())
    return [
        "go",
        "build",
        *FLAGS,
        f"-ldflags=-s -w {linker}",
        "-o",
        str(output),
        _PACKAGES[name],
    ]


def _run(  # noqa: PLR0917 - one caller
    command: list[str],
    work: Path,
    offline: bool,
    title: str,
    start: float,
    on_progress: Callable[[str], None],
) -> None:
    # Static binaries run in empty images too.
    environment = {**_environment(), "CGO_ENABLED": "0", "GOWORK": "off"}
    if offline:
        environment["GOPROXY"] = "off"
    log = work / "build.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                minutes, seconds = divmod(int(time.monotonic() - start), 60)
                on_progress(f"{title} ({minutes:02}:{seconds:02})")
                try:
                    code = process.wait(_REPORT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if code:
        text = log.read_text(encoding="utf-8", errors="replace").strip()
        lines = [line for line in text.splitlines() if "downloading" not in line]
        reason = "; ".join(lines[-3:]) or f"exit code {code}"
        raise errors.SandboxError(f"{title}: {reason}")


def _environment() -> dict[str, str]:
    """Return what the toolchain inherits: its own settings, and the user's."""
    return dict(os.environ)  # noqa: TID251 - passed on, not read
