"""A comparison is not made twice, and made again when either side has changed."""

from __future__ import annotations

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.graph import Outcome
from backstage_op.operator.settled import Settled

DESIRED: Document = {"metadata": {"name": "a"}, "data": {"key": "one"}}
OUTCOME = Outcome.waiting("RolloutInProgress", "1 of 2")


def observed(uid: str = "1", version: str = "7", name: str = "a") -> kube.Observed:
    metadata = {"name": name, "uid": uid, "resourceVersion": version}
    return kube.Observed.of(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    )


@pytest.fixture
def settled() -> Settled:
    settled = Settled()
    assert settled.put(DESIRED, observed(), OUTCOME) == OUTCOME
    return settled


def test_the_same_comparison_has_the_same_outcome(settled: Settled) -> None:
    again = {"metadata": {"name": "a"}, "data": {"key": "one"}}

    assert settled.get(again, observed()) == OUTCOME


@pytest.mark.parametrize(
    "live",
    [
        observed(version="8"),
        observed(version="6"),
        observed(uid="2"),
        observed(name="b"),
    ],
    ids=["changed", "older", "made anew", "another"],
)
def test_another_live_object_is_compared(settled: Settled, live: kube.Observed) -> None:
    assert settled.get(DESIRED, live) is None


def test_another_wanted_object_is_compared(settled: Settled) -> None:
    assert settled.get({**DESIRED, "data": {"key": "two"}}, observed()) is None


def test_the_latest_comparison_counts(settled: Settled) -> None:
    settled.put(DESIRED, observed(version="8"), Outcome.ok())

    assert settled.get(DESIRED, observed(version="8")) == Outcome.ok()
    assert settled.get(DESIRED, observed()) is None
