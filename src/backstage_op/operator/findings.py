"""What one reconcile found out, before it is put into words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from backstage_op import api, errors, resources
from backstage_op.graph import Outcome, Report, Status


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A workload and its pods, as they are.

    Attributes:
        name: ``Deployment backstage-my``, for messages.
        readiness: How far its rollout is; None if there is no such workload.
        wanted: How many pods it asks for.
        available: How many of its pods serve, of whichever revision.
        ailments: What is wrong with the pods of the current revision, and with
            those that keep it from being rolled out.
    """

    name: str
    readiness: resources.Readiness | None = None
    wanted: int = 0
    available: int = 0
    ailments: Sequence[resources.Ailment] = ()

    @property
    def is_ready(self) -> bool:
        """Whether the rollout of the current generation is complete."""
        return self.readiness is not None and self.readiness.ready

    @property
    def is_stopped(self) -> bool:
        """Whether it is meant to have no pods, or is not there to have any."""
        return self.readiness is None or not self.wanted

    def without(self, hidden: Collection[str] | None) -> Seen:
        """Return the same, without values in texts that a container wrote.

        None means that these values are not known: then without any such text.
        """
        ailments = [
            msgspec.structs.replace(
                ailment,
                detail=""
                if hidden is None
                else resources.without_values(ailment.detail, hidden),
            )
            for ailment in self.ailments
        ]
        return msgspec.structs.replace(self, ailments=tuple(ailments))


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What one reconcile found out.

    Attributes:
        portal: The workload of the portal.
        database: The workload of the local database; None if it is not local.
        is_idled: The resource asks for zero replicas.
        faults: What the user must change; nothing was applied because of them.
        denied: Objects of the user that the operator must not read.
        troubles: What was refused while reading, or has failed for too long.
        report: How the walk ended; absent when there was none.
        url: The address of the portal; None if it was not computed.
    """

    portal: Seen
    database: Seen | None = None
    is_idled: bool = False
    faults: Sequence[errors.ConfigError] = ()
    denied: Sequence[errors.ForbiddenError] = ()
    troubles: Sequence[str] = ()
    report: Report | None = None
    url: str | None = None

    @property
    def is_judged(self) -> bool:
        """Whether enough could be read to tell if the configuration can be used."""
        return self.report is not None or bool(self.faults or self.denied)

    @property
    def has_failure(self) -> bool:
        """Whether a container of the current revision fails."""
        seen = [self.portal, *([self.database] if self.database else [])]
        return any(ailment.is_failure for one in seen for ailment in one.ailments)

    def failed(self) -> Mapping[str, Outcome]:
        """Return the objects that could not be applied."""
        return {} if self.report is None else self.report.with_status(Status.FAILED)

    def denials(self) -> Iterator[str]:
        """Yield which rights are missing to read what the resource names."""
        for error in self.denied:
            yield (
                f"{error}; give the operator the right to {error.verb} it, "
                "or remove the reference"
            )

    def outcome(self, key: str) -> Outcome | None:
        """Return how an object ended the walk, if it was part of one."""
        return None if self.report is None else self.report.get(key)

    def problems(self) -> Iterator[str]:
        """Yield what keeps the resource from being applied as a whole."""
        for fault in self.faults:
            yield fault.message
        yield from self.denials()
        yield from self.troubles
        for key, outcome in self.failed().items():
            # What is left over keeps nothing from being applied.
            if outcome.reason != api.Reason.DELETION_FAILED:
                yield f"{key}: {outcome.message}"
