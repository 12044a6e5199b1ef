"""Instances that the operator deploys, and what the audit log says of them.

The times are those of the API server, so that polling adds nothing to them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Final, final

import anyio
import msgspec

from backstage_op import kube, sandbox
from backstage_op.document import Document

from .process import ACCOUNT, NAMESPACE, BenchError
from .wanted import backstage_document

_USER: Final = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
_AGENT: Final = "backstage-op/"
_READS: Final = ("get", "list", "watch")
_POLL_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 600.0


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How one instance came to be, in seconds since the resource was created.

    ``writes`` are the operator's, failed ones too, until ``Deployed`` was True.
    """

    applied: float
    deployed: float
    writes: int


@final
class Instances:
    """Creates resources, and follows them until they are deployed."""

    def __init__(self, box: sandbox.Sandbox, client: kube.Client) -> None:
        self._box = box
        self._client = client

    async def deploy(
        self,
        namespace: str,
        names: Iterable[str],
        *,
        spec: Callable[[str], Document] = lambda _: {},
    ) -> list[Course]:
        """Create resources at once, and return the course of each when all are done.

        ``spec`` gives the specification by the name of the resource.
        """
        offset = self._box.audit_offset()
        wanted = set(names)
        async with anyio.create_task_group() as tasks:
            for name in wanted:
                tasks.start_soon(
                    self._client.create,
                    {**backstage_document(namespace, name), "spec": spec(name)},
                )
        with anyio.move_on_after(_LONGEST_SECONDS) as scope:
            while not wanted <= await self._deployed(namespace):  # noqa: ASYNC110
                await anyio.sleep(_POLL_SECONDS)
        if scope.cancelled_caught:
            raise BenchError(f"not all deployed within {_LONGEST_SECONDS:.0f} s")
        seen = datetime.datetime.now(datetime.UTC)
        events = [e for e in self._box.audit_events(offset) if e.timestamp <= seen]
        first = min(_created(events, name) for name in wanted)
        return [
            _course(events, name, first if len(wanted) > 1 else _created(events, name))
            for name in sorted(wanted)
        ]

    async def _deployed(self, namespace: str) -> set[str]:
        documents = await self._client.list_all(kube.BACKSTAGE, namespace)
        return {d["metadata"]["name"] for d in documents if _is_deployed(d)}


def is_by_operator(event: sandbox.AuditEvent) -> bool:
    """Tell whether the operator sent a request, not the bare client as its user."""
    return event.user == _USER and event.user_agent.startswith(_AGENT)


def is_write(event: sandbox.AuditEvent) -> bool:
    """Tell whether a request asked for a change, whoever sent it."""
    return event.verb not in _READS


def _is_deployed(backstage: Document) -> bool:
    conditions = (backstage.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Deployed" and c["status"] == "True" for c in conditions)


def _created(events: Iterable[sandbox.AuditEvent], name: str) -> datetime.datetime:
    for event in events:
        if (event.verb, event.resource, event.name) == ("create", "backstages", name):
            return event.timestamp
    raise BenchError(f"the audit log has no creation of Backstage {name}")


def _course(
    events: Iterable[sandbox.AuditEvent], name: str, start: datetime.datetime
) -> Course:
    writes = [
        event
        for event in events
        if is_by_operator(event) and is_write(event) and name in event.name.split("-")
    ]
    applied = [e.timestamp for e in writes if e.resource == "deployments"]
    status = [e.timestamp for e in writes if e.subresource == "status"]
    if not applied or not status:
        raise BenchError(f"the audit log has no rollout of Backstage {name}")
    return Course(
        applied=(applied[0] - start).total_seconds(),
        deployed=(status[-1] - start).total_seconds(),
        writes=len(writes),
    )
