"""What the status can say is explained to whoever has to mend it."""

from __future__ import annotations

from collections.abc import Iterator

from backstage_op import api, errors
from backstage_op.operator import walk

from . import pages


def test_every_condition_and_reason_is_explained() -> None:
    both = pages.text("docs/status.md") + pages.text("docs/troubleshooting.md")

    said = {*api.ConditionType, *api.Reason, *_of_errors(), walk.CLUSTER_SCOPED}

    assert sorted(word for word in said if f"`{word}`" not in both) == []


def test_every_reason_that_something_is_wrong_has_a_remedy() -> None:
    page = pages.text("docs/troubleshooting.md")
    well = {api.Reason.DEPLOYED, api.Reason.RUNNING, api.Reason.VALID, api.Reason.READY}

    wrong = {*api.Reason, *_of_errors()} - well

    assert sorted(word for word in wrong if f"`{word}`" not in page) == []


def _of_errors() -> Iterator[str]:
    """Yield the reasons of the faults that a user can mend."""
    kinds = [errors.ConfigError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        yield kind.reason
    for key in (None, "key"):
        yield errors.MissingReferenceError("path", "Secret", "name", "ns", key).reason
