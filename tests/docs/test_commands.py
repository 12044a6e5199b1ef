"""The commands that the documentation prints are understood by their programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import pytest

from backstage_op import cli

from . import pages

_NOWHERE: Final = """\
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none}}]
current-context: none
"""
_NOT_UNDERSTOOD: Final = (
    "unknown command",
    "unknown flag",
    "unknown shorthand flag",
    "flag needs an argument",
    "invalid argument",
)


def _printed(program: str) -> list[tuple[str, ...]]:
    """Return the command lines of a program in all pages, each once."""
    lines = {tuple(words) for page in pages.PAGES for words in pages.commands(page)}
    return sorted(words for words in lines if words[0] == program)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A kubeconfig of a server that nobody is, so that no cluster is asked."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(_NOWHERE)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": str(kubeconfig),
        "KUBE_EDITOR": "false",
    }


def _problem(kubectl: str, words: Sequence[str], environment: dict[str, str]) -> str:
    """Return what kubectl does not understand, before it asks a server."""
    done = subprocess.run(
        [kubectl, *words[1:]],
        capture_output=True,
        check=False,
        cwd=pages.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    lines = done.stderr.splitlines()
    return next(
        (line for line in lines if any(sign in line for sign in _NOT_UNDERSTOOD)), ""
    )


@pytest.mark.parametrize("words", _printed("kubectl"), ids=" ".join)
def test_kubectl_understands(
    kubectl: str, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    assert _problem(kubectl, words, environment) == ""


@pytest.mark.parametrize(
    "line", ["kubectl frobnicate", "kubectl get pods --frobnicate", "kubectl get -n"]
)
def test_a_command_that_is_wrong_would_be_noticed(
    kubectl: str, environment: dict[str, str], line: str
) -> None:
    assert _problem(kubectl, line.split(), environment) != ""


@pytest.mark.parametrize("words", _printed("backstage-op"), ids=" ".join)
def test_our_program_understands(words: tuple[str, ...]) -> None:
    _parse(words[1:])


def _parse(arguments: Sequence[str]) -> None:
    """Parse a command line without running it.

    Raises:
        click.UsageError: a command or an option that there is not.
    """
    command: click.Command = cli.root
    rest = list(arguments)
    while isinstance(command, click.Group):
        context = click.Context(command)
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
    try:
        command.make_context(command.name, list(rest))
    except click.MissingParameter:
        # A command that is named, without what it is given.
        assert rest == []
