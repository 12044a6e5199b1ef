"""Sessions: how this project is checked, tried out and measured.

Each session installs what it needs from the lock, so ``pip install nox`` is
all the preparation there is.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True


def install(session: nox.Session, lock: str) -> None:
    """Install locked packages, and the project itself without asking for more."""
    session.install("--require-hashes", "-r", f"requirements/{lock}.txt")
    # The build backend is locked too, and is already there.
    session.install("--no-deps", "--no-build-isolation", "-e", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, layers between packages, and generated files."""
    install(session, "dev")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("backstage-op", "crd", "--check", "crd", "--docs", "docs")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly."""
    install(session, "dev")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests but e2e, also those on the control plane; show coverage."""
    install(session, "dev")
    session.run("backstage-op", "sandbox", "prepare")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def demo(session: nox.Session) -> None:
    """Deploy a Backstage on a local control plane, and show what happens."""
    install(session, "run")
    session.run("python", "-m", "demo", *session.posargs)


@nox.session(default=False)
def e2e(session: nox.Session) -> None:
    """Run a real Backstage in a cluster of kind, or in that of --kubeconfig."""
    missing = _missing_for_e2e(session.posargs)
    if missing:
        session.skip(missing)
    install(session, "dev")
    # pytest-kind has fixtures and options that only this session wants.
    plugin = ("-p", "pytest_kind.plugin")
    session.run(
        "pytest", *plugin, "tests/e2e", "-rA", "--durations=0", *session.posargs
    )


def _missing_for_e2e(options: Sequence[str]) -> str:
    """Return what this machine lacks; empty if nothing."""
    if not shutil.which("kubectl"):
        return "kubectl is not on PATH"
    if any(option.split("=")[0] == "--kubeconfig" for option in options):
        return ""
    if not shutil.which("kind"):
        return "kind is not on PATH; install it, or give --kubeconfig of a cluster"
    engines = [name for name in ("docker", "podman") if shutil.which(name)]
    for engine in engines:
        if not subprocess.run(
            [engine, "info"], check=False, capture_output=True
        ).returncode:
            return ""
    found = f"{' and '.join(engines)} cannot reach one" if engines else "none on PATH"
    return f"no container engine ({found}); start it, or give --kubeconfig of a cluster"


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure against a bare client on the same control plane."""
    install(session, "dev")
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Renew the locked packages in requirements/."""
    session.install("uv")
    compile_lock = (
        "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal",
        "--generate-hashes", "--python-version", "3.11", "--no-emit-index-url",
        "--custom-compile-command", "nox -s lock",
    )  # fmt: skip
    for name, options in (
        ("dev", ["--upgrade", "--extra", "rich", "--group", "dev", "--group", "build"]),
        ("run", ["--extra", "rich", "--group", "build"]),
        ("image", []),
    ):
        # One version of each package everywhere: that of the tests.
        pinned = [] if name == "dev" else ["--constraint", "requirements/dev.txt"]
        output = f"requirements/{name}.txt"
        session.run(*compile_lock, *options, *pinned, "--output-file", output)
