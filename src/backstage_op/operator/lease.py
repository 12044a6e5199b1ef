"""The Lease that tells which of several operators works.

It is written by resource version only: of two who claim it at once, one gets
it. Name and form are those of the Go operator, so that the two of them exclude
each other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, final

import msgspec

from backstage_op import errors, kube
from backstage_op.document import Document

NAME: Final = "06bdbdd5.rhdh.redhat.com"


class Record(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the Lease says; times are for people, and never compared with a clock."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


@final
class Lease:
    """One Lease object: read, and claimed or given up as of what was read."""

    def __init__(self, client: kube.Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._live: Document | None = None
        self.record = Record()

    def __str__(self) -> str:
        return f"Lease {self._namespace}/{NAME}"

    async def read(self) -> None:
        """Set ``record`` to what the Lease says now; it may be absent.

        Raises:
            errors.KubeError: it cannot be read.
        """
        try:
            live = await self._client.get(kube.LEASE, self._namespace, NAME)
        except errors.NotFoundError:
            self._live, self.record = None, Record()
        else:
            self._take(live)

    async def claim(self, identity: str, seconds: int) -> None:
        """Write the Lease in our name, if it is still what was read last.

        Raises:
            errors.ConflictError: somebody else was faster.
            errors.KubeError: it may or may not have been written.
        """
        now = _now()
        before = self.record
        is_ours = before.holder_identity == identity
        transitions = before.lease_transitions or 0
        is_taken_over = self._live is not None and not is_ours
        await self._write(
            Record(
                holder_identity=identity,
                lease_duration_seconds=seconds,
                acquire_time=before.acquire_time if is_ours else now,
                renew_time=now,
                lease_transitions=transitions + is_taken_over,
            )
        )

    async def release(self) -> None:
        """Write that nobody holds the Lease any more.

        Raises:
            errors.ConflictError: it is not what was read last.
            errors.KubeError: it may or may not have been written.
        """
        now = _now()
        await self._write(
            Record(
                holder_identity="",
                lease_duration_seconds=1,
                acquire_time=now,
                renew_time=now,
                lease_transitions=self.record.lease_transitions,
            )
        )

    async def _write(self, record: Record) -> None:
        spec: dict[str, Any] = msgspec.to_builtins(record)
        if self._live is None:
            self._take(
                await self._client.create(
                    {
                        "apiVersion": kube.LEASE.api_version,
                        "kind": kube.LEASE.kind,
                        "metadata": {"name": NAME, "namespace": self._namespace},
                        "spec": spec,
                    }
                )
            )
            return
        # What others put there, such as labels, stays.
        known = self._live.get("spec") or {}
        self._take(
            await self._client.replace({**self._live, "spec": {**known, **spec}})
        )

    def _take(self, live: Document) -> None:
        self._live = live
        self.record = msgspec.convert(live.get("spec") or {}, Record)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
