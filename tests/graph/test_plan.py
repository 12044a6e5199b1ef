from __future__ import annotations

import pytest

from backstage_op import errors
from backstage_op.graph import Need, Node, Outcome, Plan


async def _step() -> Outcome:
    return Outcome.ok()


def _node(key: str, *needs: str | Need) -> Node:
    edges = tuple(Need(need) if isinstance(need, str) else need for need in needs)
    return Node(key=key, needs=edges, step=_step)


def test_a_plan_keeps_the_order_it_was_given() -> None:
    plan = Plan([_node("c", "a"), _node("a"), _node("b")])

    assert [node.key for node in plan] == ["c", "a", "b"]
    assert len(plan) == 3
    assert plan["a"].key == "a"
    assert repr(plan) == "Plan(c, a, b)"


def test_a_key_used_twice_is_refused_by_name() -> None:
    with pytest.raises(errors.PlanError, match=r"^node keys used twice: a, b$"):
        Plan([_node("a"), _node("b"), _node("a"), _node("b"), _node("c")])


def test_an_unknown_need_is_refused_with_both_names() -> None:
    with pytest.raises(errors.PlanError, match=r"^node app needs unknown nodes: x, y$"):
        Plan([_node("app", "x", "db", "y"), _node("db")])


def test_a_cycle_is_refused_with_its_path() -> None:
    with pytest.raises(errors.PlanError) as caught:
        Plan([_node("a", "c"), _node("b", "a"), _node("c", "b"), _node("d")])

    message = str(caught.value)
    assert message.startswith("needs form a cycle: ")
    path = message.removeprefix("needs form a cycle: ").split(" -> ")
    assert path[0] == path[-1]
    assert set(path) == {"a", "b", "c"}


def test_a_node_that_needs_itself_is_a_cycle() -> None:
    with pytest.raises(errors.PlanError, match="needs form a cycle: a -> a"):
        Plan([_node("a", "a")])


def test_an_empty_plan_is_a_plan() -> None:
    plan = Plan([])

    assert (len(plan), repr(plan)) == (0, "Plan()")
