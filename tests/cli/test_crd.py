from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backstage_op import errors
from backstage_op.api import crd, field_reference
from backstage_op.cli.crd import command


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_prints_the_definition() -> None:
    result = invoke()

    assert (result.exit_code, result.stdout) == (0, crd.text())


def test_writes_the_definition_and_the_reference_and_then_finds_them_current(
    tmp_path: Path,
) -> None:
    folders = tmp_path / "crd", tmp_path / "docs"

    written = invoke("--output", folders[0], "--docs", folders[1])
    checked = invoke("--check", folders[0], "--docs", folders[1])

    assert (written.exit_code, checked.exit_code) == (0, 0)
    assert (folders[0] / crd.FILE_NAME).read_text("utf-8") == crd.text()
    assert (folders[1] / "api.md").read_text("utf-8") == field_reference.markdown()


@pytest.mark.parametrize("content", [None, "old"])
def test_check_names_the_file_that_is_out_of_date_and_writes_nothing(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / crd.FILE_NAME
    if content is not None:
        path.write_text(content, "utf-8")

    result = invoke("--check", tmp_path)

    assert isinstance(result.exception, errors.SettingsError)
    assert str(path) in result.exception.message
    assert path.exists() == (content is not None)


def test_the_remedy_writes_what_was_checked_where_it_was(tmp_path: Path) -> None:
    folder, docs = tmp_path / "crd", tmp_path / "my docs"
    invoke("--output", folder, "--docs", docs)
    (docs / "api.md").write_text("old", "utf-8")

    result = invoke("--check", folder, "--docs", docs)

    assert str(result.exception) == (
        f"{docs / 'api.md'} is missing or out of date; "
        f"run backstage-op crd --output {folder} --docs '{docs}'"
    )
    _, remedy = str(result.exception).split("run backstage-op crd ")
    assert invoke(*shlex.split(remedy)).exit_code == 0
    assert invoke("--check", folder, "--docs", docs).exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["--output", "a", "--check", "b"], ["--docs", "d"]]
)
def test_arguments_that_contradict_are_a_usage_error(arguments: list[str]) -> None:
    assert invoke(*arguments).exit_code == 2
