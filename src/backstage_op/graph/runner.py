"""Walk a plan: start every node as soon as its needs allow, and report.

The walk never waits for something to become ready. A node that is not ready
ends as *changed* or *waiting*; the nodes that need it ready end as *blocked*;
whoever asked for the walk asks again when something happened.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, final

import anyio
import msgspec

from .node import Node, Outcome, Status
from .plan import Plan

OnOutcome: TypeAlias = Callable[[str, Outcome], None]

_log: Final = logging.getLogger(__name__)


@final
class Report(Mapping[str, Outcome]):
    """How every node of a plan ended, in the order of the plan."""

    def __init__(self, outcomes: Mapping[str, Outcome]) -> None:
        self._outcomes = dict(outcomes)

    def __getitem__(self, key: str) -> Outcome:
        return self._outcomes[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def __repr__(self) -> str:
        return f"Report({self.recap()})"

    def with_status(self, status: Status) -> dict[str, Outcome]:
        """Return the nodes that ended with this status."""
        return {k: o for k, o in self._outcomes.items() if o.status is status}

    def count(self, status: Status) -> int:
        """Return how many nodes ended with this status."""
        return len(self.with_status(status))

    @property
    def is_ready(self) -> bool:
        """Tell whether every node is ready."""
        return all(outcome.ready for outcome in self._outcomes.values())

    def recap(self) -> str:
        """Return the counts in one line: ``ok=3 changed=0 waiting=1 …``."""
        return " ".join(f"{status}={self.count(status)}" for status in Status)


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """Walks plans.

    ``limit`` is the most nodes that may be in progress at once. ``on_outcome``
    is called, in the task of the walk, each time a node has ended.
    """

    limit: int = 8
    on_outcome: OnOutcome | None = None

    async def walk(self, plan: Plan) -> Report:
        """Run every node of the plan once, and tell how each ended.

        Error handling: an exception that a step lets escape is a bug of that
        step; it is logged with its traceback and ends the node as *failed*, so
        that it cannot stop the other nodes. Cancellation ends the walk at once.
        """
        outcomes: dict[str, Outcome] = {}
        sorter = plan.sorter()
        slots = anyio.CapacityLimiter(self.limit)
        send, receive = anyio.create_memory_object_stream[tuple[str, Outcome]](math.inf)

        async def run(node: Node) -> None:
            async with slots:
                outcome = await _attempt(node)
            # Not in a ``finally``: a cancelled walk has no reader any more.
            send.send_nowait((node.key, outcome))

        async with anyio.create_task_group() as tasks, send, receive:
            while sorter.is_active():
                for key in sorter.get_ready():
                    node = plan[key]
                    blocker = _blocker(node, outcomes)
                    if blocker is None:
                        tasks.start_soon(run, node, name=f"node {key}")
                    else:
                        send.send_nowait((key, blocker))
                key, outcome = await receive.receive()
                outcomes[key] = outcome
                sorter.done(key)
                if self.on_outcome is not None:
                    self.on_outcome(key, outcome)
        return Report({node.key: outcomes[node.key] for node in plan})


def _blocker(node: Node, outcomes: Mapping[str, Outcome]) -> Outcome | None:
    unmet = [need.key for need in node.needs if not need.met_by(outcomes[need.key])]
    return Outcome.blocked(f"waiting for {', '.join(unmet)}") if unmet else None


async def _attempt(node: Node) -> Outcome:
    try:
        return await node.step()
    except Exception as error:  # noqa: BLE001 - a bug of one node stops no other
        _log.exception("node %s failed with an unexpected error", node.key)
        return Outcome.failed("InternalError", f"unexpected {type(error).__name__}")
