"""``backstage-op crd``: the CustomResourceDefinition and its field reference."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import click

from backstage_op import errors
from backstage_op.api import crd, field_reference

REFERENCE_NAME: Final = "api.md"


@click.command("crd")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the definition into this folder instead of printing it.",
)
@click.option(
    "--check",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write nothing; fail if the definition in this folder is out of date.",
)
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the field reference: written or checked as well.",
)
def command(output: Path | None, check: Path | None, docs: Path | None) -> None:
    """Print, write or check the CustomResourceDefinition of Backstage."""
    if (output is None) == (check is None):
        if output is not None:
            raise click.UsageError("--output and --check exclude one another")
        if docs is not None:
            raise click.UsageError("--docs needs --output or --check")
        click.echo(crd.text(), nl=False)
        return
    texts = {(output or check or Path()) / crd.FILE_NAME: crd.text()}
    if docs is not None:
        texts[docs / REFERENCE_NAME] = field_reference.markdown()
    for path, text in texts.items():
        if check is None:
            _write(path, text)
        else:
            _compare(path, text, _remedy(check, docs))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(f"wrote {path}")


def _remedy(folder: Path, docs: Path | None) -> str:
    """Return the command that writes what was checked, for a shell."""
    words = ["backstage-op", "crd", "--output", str(folder)]
    if docs is not None:
        words += ["--docs", str(docs)]
    return shlex.join(words)


def _compare(path: Path, text: str, remedy: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        raise errors.SettingsError(f"{path} is missing or out of date; run {remedy}")
