"""What the status can say is explained to whoever has to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from backstage_op import api, errors
from backstage_op.operator import walk

from . import pages

_AT_START: Final = {api.Reason.INVALID_SETTINGS}
"""Where no operator runs, no condition tells of it."""


def test_every_condition_and_reason_is_explained() -> None:
    page = pages.text("docs/status.md")

    said = {*api.ConditionType, *api.Reason, *_of_errors()} - _AT_START

    assert _missing(said, page) == []


def test_every_reason_that_something_is_wrong_has_a_remedy() -> None:
    page = pages.text("docs/troubleshooting.md")
    well = {api.Reason.DEPLOYED, api.Reason.RUNNING, api.Reason.VALID, api.Reason.READY}

    wrong = {*api.Reason, *_of_errors(), walk.CLUSTER_SCOPED} - well

    assert _missing(wrong, page) == []


def _missing(words: Iterable[str], page: str) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return sorted(w for w in words if f"`{w}`" not in page and w not in headings)


def _of_errors() -> Iterator[str]:
    """Yield the reasons of the faults that a user can mend."""
    kinds = [errors.ConfigError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        yield kind.reason
    for key in (None, "key"):
        yield errors.MissingReferenceError("path", "Secret", "name", "ns", key).reason
