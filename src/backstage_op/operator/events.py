"""What ``kubectl describe`` shows of an instance: Events, for people.

An Event is told when the status turns, or when something was made that nobody
will see from the objects. What is as before is no Event, so that an operator
that starts again has nothing to tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from backstage_op import api, kube, resources
from backstage_op.api import ConditionType, Reason
from backstage_op.document import Document
from backstage_op.graph import Outcome, Report, Status

from .refusals import NAMESPACE_TERMINATING
from .walk import CREATED, FILLED

CONTROLLER: Final = "rhdh.redhat.com/backstage-op"
MAX_NOTES: Final = 5
"""The most Events that one reconcile tells."""

_MAX_NOTE_BYTES: Final = 1024
_MAX_NAME: Final = 230
_DIGEST_CHARACTERS: Final = 16
_PRUNE: Final = "prune/"
_CUT: Final = "…"

Severity: TypeAlias = Literal["Normal", "Warning"]


class _Turn(NamedTuple):
    """What is told; without a text of its own in the words of the condition."""

    severity: Severity
    reason: str
    text: str = ""


_ANY: Final = "any"
_TURNS: Final[Mapping[tuple[str, str, str], _Turn]] = {
    (ConditionType.CONFIG, Reason.VALID, _ANY): _Turn(
        "Normal", "ConfigValid", "the configuration can be used now"
    ),
    (ConditionType.RUNTIME, Reason.CONTAINER_FAILED, _ANY): _Turn(
        "Warning", "ContainerFailed"
    ),
    (ConditionType.DEPLOYED, Reason.DEPLOY_FAILED, _ANY): _Turn(
        "Warning", "DeployFailed"
    ),
    (ConditionType.DEPLOYED, Reason.DEPLOYED, _ANY): _Turn(
        "Normal", "Deployed", "the rollout is complete"
    ),
    (ConditionType.DEPLOYED, Reason.IDLED, _ANY): _Turn(
        "Normal", "Idled", "stopped all pods, as the annotation asks for"
    ),
    (ConditionType.DEPLOYED, Reason.DEPLOY_IN_PROGRESS, Reason.IDLED): _Turn(
        "Normal", "Woken", "starting the pods again"
    ),
}
"""By type and reason of a condition, and the reason it had before."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One Event, before it is sent.

    Two notes of one instance with the same content and the same ``occasion``
    are one Event.
    """

    severity: Severity = "Normal"
    reason: str
    text: str
    occasion: str


def notes_of(
    before: api.Backstage,
    after: api.Backstage,
    report: Report | None,
    notices: Iterable[tuple[str, str]] = (),
) -> list[Note]:
    """Return what a reconcile made worth telling.

    ``before`` and ``after`` are the resource with the status it had and has,
    ``notices`` reason and text of what the walk told besides.
    """
    if report is not None and _is_terminating(report):
        # Nothing can be created there any more, Events neither.
        return []
    notes = [*_deprecated(before, after), *_made(after, report)]
    notes += [_notice(reason, text, after) for reason, text in notices]
    notes += _turns(before, after)
    return notes[:MAX_NOTES]


def document_of(
    note: Note, backstage: api.Backstage, instance: str, now: datetime
) -> Document:
    """Return a note as an Event about a resource."""
    metadata = backstage.metadata
    content = (metadata.uid, note.severity, note.reason, note.text, note.occasion)
    digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()
    name = metadata.name[:_MAX_NAME].rstrip("-.")
    return {
        "apiVersion": kube.EVENT.api_version,
        "kind": kube.EVENT.kind,
        "metadata": {
            "namespace": metadata.namespace,
            "name": f"{name}.{digest[:_DIGEST_CHARACTERS]}",
        },
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "action": "Reconcile",
        "type": note.severity,
        "reason": note.reason,
        "note": _cut(note.text),
        "regarding": {
            "apiVersion": api.API_VERSION,
            "kind": api.KIND,
            "namespace": metadata.namespace,
            "name": metadata.name,
            "uid": metadata.uid,
        },
    }


def _deprecated(before: api.Backstage, after: api.Backstage) -> Iterator[Note]:
    generation = after.metadata.generation
    fields = resources.deprecated_fields(after)
    is_new = before.status.observed_generation != after.status.observed_generation
    if fields and is_new:
        yield Note(
            severity="Warning",
            reason="DeprecatedField",
            text=f"{', '.join(fields)}: deprecated; use spec.deployment.patch",
            occasion=str(generation),
        )


def _made(after: api.Backstage, report: Report | None) -> Iterator[Note]:
    """Yield what was made in this walk."""
    changed = {} if report is None else report.with_status(Status.CHANGED)
    now = datetime.now(UTC).isoformat()
    secret = changed.get(resources.DATABASE_SECRET_KEY)
    if secret is not None and secret.reason in (CREATED, FILLED):
        name = resources.database_secret_ref(resources.instance_of(after)).name
        yield Note(
            reason="PasswordGenerated",
            text=f"made the password of the local database, in Secret {name}",
            occasion=now,
        )
    workload: Outcome | None = changed.get(resources.WORKLOAD_KEY)
    is_started = workload is not None and not workload.ready
    if is_started and not resources.is_idled(after):
        ref = resources.workload_ref(after)
        yield Note(
            reason="RolloutStarted",
            text=f"rolling out {ref.kind} {ref.name}",
            occasion=now,
        )
    pruned = [key.removeprefix(_PRUNE) for key in changed if key.startswith(_PRUNE)]
    if pruned:
        yield Note(
            reason="Pruned",
            text=f"deleted what is no longer wanted: {', '.join(pruned)}",
            occasion=now,
        )


def _notice(reason: str, text: str, after: api.Backstage) -> Note:
    generation = str(after.metadata.generation)
    return Note(severity="Warning", reason=reason, text=text, occasion=generation)


def _turns(before: api.Backstage, after: api.Backstage) -> Iterator[Note]:
    """Yield what the conditions say that they did not say before."""
    old = {c.type: c for c in before.status.conditions}
    new = {c.type: c for c in after.status.conditions}
    told: set[str] = set()
    for kind in (ConditionType.CONFIG, ConditionType.RUNTIME, ConditionType.DEPLOYED):
        condition = new.get(kind)
        if condition is None or not _is_news(old.get(kind), condition):
            continue
        note = _turn(old.get(kind), condition)
        # The same words are in several conditions: the first is the most exact.
        if note is not None and not any(text in note.text for text in told):
            yield note
            told |= {note.text} if note.text else set()


def _turn(old: api.Condition | None, new: api.Condition) -> Note | None:
    was = "" if old is None else old.reason
    if new.type == ConditionType.CONFIG and new.status == "False":
        reason = "ConfigInvalid"
        if new.reason == Reason.OWNERSHIP_CONFLICT:
            reason = new.reason
        found: _Turn | None = _Turn("Warning", reason)
    else:
        found = _TURNS.get((new.type, new.reason, was)) or _TURNS.get(
            (new.type, new.reason, _ANY)
        )
    if found is None or (not was and found.severity == "Normal"):
        return None
    return Note(
        severity=found.severity,
        reason=found.reason,
        text=found.text or new.message,
        occasion=_occasion(new),
    )


def _is_news(old: api.Condition | None, new: api.Condition) -> bool:
    if old is None or old.reason != new.reason:
        return True
    return new.status == "False" and old.message != new.message


def _occasion(condition: api.Condition) -> str:
    """Return what tells one turn of a condition from the next.

    A container that fails, recovers and fails in the same way is told once for
    each generation; an instance may be idled as often as somebody likes.
    """
    if condition.status == "False" and condition.reason != Reason.IDLED:
        return str(condition.observed_generation)
    return f"{condition.observed_generation} {condition.last_transition_time}"


def _is_terminating(report: Report) -> bool:
    return any(o.reason == NAMESPACE_TERMINATING for o in report.values())


def _cut(text: str) -> str:
    """Return a text that is short enough for an Event, which counts bytes."""
    encoded = text.encode()
    if len(encoded) <= _MAX_NOTE_BYTES:
        return text
    kept = encoded[: _MAX_NOTE_BYTES - len(_CUT.encode())]
    return kept.decode(errors="ignore") + _CUT
