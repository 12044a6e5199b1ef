from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import virtual_clock
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op.graph import Gate, Need, Node, Outcome, Plan, Runner, Status, Step

T = TypeVar("T")


class Trace:
    """Steps that note when they begin and end."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.most = 0
        self._running = 0

    def step(
        self,
        key: str,
        outcome: Outcome | None = None,
        *,
        seconds: float = 0.0,
        until: anyio.Event | None = None,
    ) -> Step:
        async def run() -> Outcome:
            self._running += 1
            self.most = max(self.most, self._running)
            self.events.append(("begin", key))
            await anyio.sleep(seconds)
            if until is not None:
                with anyio.fail_after(GIVE_UP_SECONDS):
                    await until.wait()
            self.events.append(("end", key))
            self._running -= 1
            return outcome or Outcome.ok()

        return run

    def begun(self) -> list[str]:
        return [key for what, key in self.events if what == "begin"]

    def at(self, what: str, key: str) -> int:
        return self.events.index((what, key))


def _raises(error: BaseException) -> Callable[[], Awaitable[Outcome]]:
    async def run() -> Outcome:
        raise error

    return run


def _ready(*keys: str) -> tuple[Need, ...]:
    return tuple(Need(key, Gate.READY) for key in keys)


async def test_a_node_starts_as_soon_as_its_own_needs_allow() -> None:
    trace, ended = Trace(), anyio.Event()

    def tell(key: str, _outcome: Outcome) -> None:
        if key == "after":
            ended.set()

    plan = Plan(
        [
            Node(key="slow", step=trace.step("slow", until=ended)),
            Node(key="quick", step=trace.step("quick")),
            Node(key="after", needs=(Need("quick"),), step=trace.step("after")),
        ]
    )

    report = await Runner(on_outcome=tell).walk(plan)

    assert trace.at("end", "after") < trace.at("end", "slow")
    assert dict(report) == dict.fromkeys(["slow", "quick", "after"], Outcome.ok())


async def test_an_applied_gate_opens_while_the_need_is_not_ready() -> None:
    waiting = Outcome.waiting("Rollout", "0 of 1 replicas")
    trace = Trace()
    plan = Plan(
        [
            Node(key="a", step=trace.step("a", waiting)),
            Node(key="applied", needs=(Need("a"),), step=trace.step("applied")),
            Node(key="ready", needs=_ready("a"), step=trace.step("ready")),
        ]
    )

    report = await Runner().walk(plan)

    assert dict(report) == {
        "a": waiting,
        "applied": Outcome.ok(),
        "ready": Outcome.blocked("waiting for a"),
    }
    assert trace.begun() == ["a", "applied"]


async def test_a_failure_blocks_its_descendants_and_nothing_else() -> None:
    failed = Outcome.failed("Rejected", "422")
    trace = Trace()
    plan = Plan(
        [
            Node(key="bad", step=trace.step("bad", failed)),
            Node(key="child", needs=(Need("bad"),), step=trace.step("child")),
            Node(key="grandchild", needs=(Need("child"),), step=trace.step("g")),
            Node(key="other", step=trace.step("other")),
            Node(key="heir", needs=(Need("other"),), step=trace.step("heir")),
        ]
    )

    report = await Runner().walk(plan)

    assert dict(report) == {
        "bad": failed,
        "child": Outcome.blocked("waiting for bad"),
        "grandchild": Outcome.blocked("waiting for child"),
        "other": Outcome.ok(),
        "heir": Outcome.ok(),
    }
    assert sorted(trace.begun()) == ["bad", "heir", "other"]


async def test_an_exception_is_one_failed_node_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plan = Plan(
        [
            Node(key="buggy", step=_raises(ZeroDivisionError("secret detail"))),
            Node(key="fine", step=Trace().step("fine")),
        ]
    )

    with caplog.at_level(logging.ERROR):
        report = await Runner().walk(plan)

    assert dict(report) == {
        "buggy": Outcome.failed("InternalError", "unexpected ZeroDivisionError"),
        "fine": Outcome.ok(),
    }
    [record] = caplog.records
    assert record.getMessage() == "node buggy failed with an unexpected error"
    assert record.exc_info is not None


async def test_no_more_nodes_than_the_limit_are_in_progress() -> None:
    trace = Trace()
    plan = Plan([Node(key=f"n{n}", step=trace.step(f"n{n}")) for n in range(12)])

    report = await Runner(limit=3).walk(plan)

    assert (trace.most, len(report)) == (3, 12)


async def test_outcomes_are_told_as_they_come_and_reported_in_plan_order() -> None:
    told: list[str] = []
    trace, first = Trace(), anyio.Event()

    def tell(key: str, _outcome: Outcome) -> None:
        told.append(key)
        first.set()

    plan = Plan(
        [
            Node(key="last", step=trace.step("last", until=first)),
            Node(key="first", step=trace.step("first")),
        ]
    )

    report = await Runner(on_outcome=tell).walk(plan)

    assert told == ["first", "last"]
    assert list(report) == ["last", "first"]


async def test_a_report_counts_and_recapitulates() -> None:
    trace = Trace()
    plan = Plan(
        [
            Node(key="a", step=trace.step("a", Outcome.changed())),
            Node(key="b", step=trace.step("b", Outcome.waiting("Wait", "w"))),
            Node(key="c", needs=_ready("b"), step=trace.step("c")),
        ]
    )

    report = await Runner().walk(plan)

    recap = "ok=0 changed=1 waiting=1 failed=0 blocked=1"
    assert (report.recap(), repr(report)) == (recap, f"Report({recap})")
    assert report.with_status(Status.CHANGED) == {"a": Outcome.changed()}
    assert not report.is_ready
    assert (await Runner().walk(Plan([]))).is_ready


async def test_a_cancelled_walk_ends_its_steps_before_it_returns() -> None:
    limit = 2
    begun: list[str] = []
    ended: list[str] = []

    def cleaning(key: str) -> Step:
        async def run() -> Outcome:
            begun.append(key)
            if len(begun) == limit:
                scope.cancel()
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(key)
            raise AssertionError

        return run

    plan = Plan(
        [
            Node(key="a", step=cleaning("a")),
            Node(key="b", step=cleaning("b")),
            Node(key="c", step=cleaning("c")),
            Node(key="never", needs=(Need("a"),), step=cleaning("never")),
        ]
    )

    with anyio.CancelScope() as scope:
        await Runner(limit=limit).walk(plan)

    assert scope.cancelled_caught
    # Whichever two had a slot; the third and the fourth never began.
    assert len(ended) == limit
    assert sorted(ended) == sorted(begun)
    assert set(ended) < {"a", "b", "c"}


async def test_an_error_of_the_listener_ends_the_walk() -> None:
    def refuse(_key: str, _outcome: Outcome) -> None:
        raise LookupError

    plan = Plan(
        [
            Node(key="a", step=Trace().step("a")),
            Node(key="b", step=Trace().step("b", seconds=3600)),
        ]
    )

    with pytest.RaisesGroup(LookupError):
        await Runner(on_outcome=refuse).walk(plan)


class Drawn:
    """A random graph: for each node its needs, its outcome and its duration."""

    def __init__(self, rows: Iterable[tuple[tuple[Need, ...], Outcome, float]]):
        self.rows = {f"n{n}": row for n, row in enumerate(rows)}

    def __repr__(self) -> str:
        return f"Drawn({self.rows})"

    def plan(self, trace: Trace) -> Plan:
        return Plan(
            Node(key=key, needs=needs, step=trace.step(key, outcome, seconds=seconds))
            for key, (needs, outcome, seconds) in self.rows.items()
        )

    def expected(self) -> dict[str, Outcome]:
        """The report, computed one node after the other."""
        done: dict[str, Outcome] = {}
        for key, (needs, outcome, _) in self.rows.items():
            unmet = [need.key for need in needs if not need.met_by(done[need.key])]
            text = f"waiting for {', '.join(unmet)}"
            done[key] = Outcome.blocked(text) if unmet else outcome
        return done


OUTCOMES = (
    Outcome.ok(),
    Outcome.changed(),
    Outcome.changed(ready=False),
    Outcome.waiting("Wait", "w"),
    Outcome.failed("Bad", "b"),
)


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    rows = []
    for n in range(draw(st.integers(0, 10))):
        keys = st.sets(st.integers(0, n - 1), max_size=3) if n else st.just(set[int]())
        needs = tuple(
            Need(f"n{key}", draw(st.sampled_from(Gate))) for key in sorted(draw(keys))
        )
        seconds = draw(st.sampled_from([0.0, 1.0, 2.0]))
        rows.append((needs, draw(st.sampled_from(OUTCOMES)), seconds))
    return Drawn(rows)


def _run(function: Callable[[], Awaitable[T]]) -> T:
    """Run a function on a virtual clock of its own: each example is a test."""
    with virtual_clock() as clock:
        options = {"clock": clock}
        return anyio.run(function, backend="trio", backend_options=options)


@given(graph=drawn(), limit=st.integers(1, 4))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_any_graph_is_walked_as_one_node_after_the_other_would(
    graph: Drawn, limit: int
) -> None:
    trace = Trace()

    async def walk() -> dict[str, Outcome]:
        return dict(await Runner(limit=limit).walk(graph.plan(trace)))

    expected = graph.expected()

    assert _run(walk) == expected
    assert trace.most <= limit
    tried = [k for k, o in expected.items() if o.status is not Status.BLOCKED]
    assert sorted(trace.begun()) == sorted(tried)
    for key in tried:
        for need in graph.rows[key][0]:
            assert trace.at("end", need.key) < trace.at("begin", key)


@given(graph=drawn(), limit=st.integers(1, 4), after=st.integers(0, 4))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_cancellation_at_any_moment_leaves_no_step_running(
    graph: Drawn, limit: int, after: int
) -> None:
    trace = Trace()

    async def walk() -> None:
        with anyio.CancelScope() as scope:

            def count(_key: str, _outcome: Outcome) -> None:
                if len(told) == after:
                    scope.cancel()
                told.append(_key)

            told: list[str] = []
            await Runner(limit=limit, on_outcome=count).walk(graph.plan(trace))
        seen = len(trace.events)
        await anyio.sleep(60)
        assert len(trace.events) == seen

    _run(walk)
