from __future__ import annotations

import pytest

from backstage_op.graph import Gate, Need, Outcome

OUTCOMES = {
    "ok": Outcome.ok(),
    "changed and ready": Outcome.changed(),
    "changed, not ready": Outcome.changed(ready=False, reason="Rollout", message="0/1"),
    "waiting": Outcome.waiting("Rollout", "0/1"),
    "failed": Outcome.failed("Rejected", "422"),
    "blocked": Outcome.blocked("waiting for a"),
}


@pytest.mark.parametrize(
    ("gate", "met"),
    [
        (Gate.APPLIED, {"ok", "changed and ready", "changed, not ready", "waiting"}),
        (Gate.READY, {"ok", "changed and ready"}),
    ],
)
def test_a_gate_opens_for_exactly_these_outcomes(gate: Gate, met: set[str]) -> None:
    need = Need("a", gate)

    assert {name for name, out in OUTCOMES.items() if need.met_by(out)} == met


def test_a_need_waits_for_applied_unless_it_says_otherwise() -> None:
    assert Need("a") == Need("a", Gate.APPLIED)


def test_a_blocked_outcome_has_a_reason_for_machines() -> None:
    assert OUTCOMES["blocked"].reason == "Blocked"
