"""``docs/configuration.md`` is true: its examples, its keys, its differences."""

from __future__ import annotations

from typing import Final

import pytest
from tests.recordings.differences import DIFFERENCES

from backstage_op import config, document, operator, resources
from backstage_op.config import reader
from backstage_op.document import Document
from backstage_op.operator import offline

from . import pages

_PAGE: Final = "docs/configuration.md"
_EXAMPLES: Final = list(pages.examples(_PAGE))
_BEGIN: Final = "<!-- differences: begin -->\n"
_END: Final = "<!-- differences: end -->"


@pytest.mark.parametrize(
    ("heading", "documents"), _EXAMPLES, ids=[heading for heading, _ in _EXAMPLES]
)
def test_each_example_can_be_rendered(heading: str, documents: list[Document]) -> None:
    environment = operator.Environment(
        default=config.DefaultConfig.shipped("backstage.io"),
        platform=resources.Platform(),
    )

    composition = resources.compose(offline.inputs_of(documents, environment))

    assert [str(fault) for fault in composition.faults] == [], heading


def test_each_key_is_described() -> None:
    table = pages.text(_PAGE).partition("### Keys")[2].partition("### ")[0]

    assert [key for key in config.KEYS if f"`{key}`" not in table] == []


@pytest.mark.parametrize("page", [_PAGE, "docs/security.md"])
def test_the_limits_of_yaml_are_told(page: str) -> None:
    limits = (
        f"{reader.MAX_BYTES >> 20} MiB",
        f"{reader.MAX_NODES:,} values",
        f"{document.MAX_DEPTH} levels",
    )

    text = " ".join(pages.text(page).split())

    assert [limit for limit in limits if limit not in text] == []


def test_the_differences_are_those_that_the_recordings_are_compared_with() -> None:
    shown = pages.text(_PAGE).partition(_BEGIN)[2].partition(_END)[0]

    assert shown == "".join(f"* {difference.why}\n" for difference in DIFFERENCES), (
        "copy the reasons of tests/recordings/differences.py between the marks"
    )
