"""Sessions: how this project is checked, tried out and measured.

Each session installs what it needs from the lock, so ``pip install nox`` is
all the preparation there is.
"""

from __future__ import annotations

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
    session.run("backstage-op", "crd", "--check", "crd")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly."""
    install(session, "dev")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, also those on the real control plane; show coverage."""
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
def bench(session: nox.Session) -> None:
    """Measure against a bare client on the same control plane."""
    install(session, "dev")
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Renew the locked packages in requirements/."""
    session.install("uv")
    for name, extra in (("run", []), ("dev", ["--group", "dev"])):
        session.run(
            "uv", "pip", "compile", "pyproject.toml", "--quiet", "--upgrade",
            "--universal", "--generate-hashes", "--python-version", "3.11",
            "--no-emit-index-url", "--custom-compile-command", "nox -s lock",
            "--extra", "rich", *extra, "--group", "build",
            "--output-file", f"requirements/{name}.txt",
        )  # fmt: skip
