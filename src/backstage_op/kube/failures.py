"""From what went wrong on the wire to our errors; the type says who can act.

Only ``reason``, ``message`` and ``details`` of the server's Status are used,
never a body. For a Secret, and for a token to be reviewed, the message is left
out too, but for words that tell who refused it: others may quote a value.
"""

from __future__ import annotations

import email.utils
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import httpx2
import msgspec
from lightkube.core.exceptions import ConfigError

from backstage_op import errors

from .call import Call

TRANSLATED: Final = (
    httpx2.HTTPError,
    httpx2.StreamError,
    httpx2.InvalidURL,
    ConfigError,
    msgspec.MsgspecError,
    OSError,
    EOFError,
)
"""What may come out of sending a request and reading its answer."""

_CREDENTIALS: Final = "CredentialsError"
NOT_SENT: Final = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", _CREDENTIALS}
)
"""Reasons of a :class:`errors.TransientError` that say: the server saw nothing."""

SILENCE: Final = TimeoutError.__name__
"""Reason of a :class:`errors.TransientError` that says: nothing came any more."""

# What the server answers, as a 500 without a reason, to a configuration that
# its schema does not know. https://github.com/kubernetes/kubernetes/issues/117834
_PERMANENT_500: Final = (
    "failed to create typed patch object",
    "failed to create typed live object",
    "failed to create manager for existing fields",
    "failed to convert",
    "field not declared in schema",
    "duplicate entries for key",
)

EXCEEDED_QUOTA: Final = "exceeded quota"
ADMISSION_WEBHOOK: Final = "admission webhook"
ADMISSION_POLICY: Final = "ValidatingAdmissionPolicy"
END_OF_NAMESPACE: Final = "because it is being terminated"
_WHO_REFUSED: Final = (
    EXCEEDED_QUOTA,
    ADMISSION_WEBHOOK,
    ADMISSION_POLICY,
    END_OF_NAMESPACE,
)
"""The server's words for what no code and no reason of a Status tells."""

_SECRETIVE: Final = frozenset({"Secret", "TokenReview"})
_CLIENT_ERROR: Final = 4
_CLASSES: Final[Mapping[int, type[errors.KubeError]]] = {
    HTTPStatus.UNAUTHORIZED: errors.ForbiddenError,
    HTTPStatus.FORBIDDEN: errors.ForbiddenError,
    HTTPStatus.NOT_FOUND: errors.NotFoundError,
    HTTPStatus.REQUEST_TIMEOUT: errors.TransientError,
    HTTPStatus.CONFLICT: errors.ConflictError,
    HTTPStatus.GONE: errors.ExpiredError,
    HTTPStatus.TOO_MANY_REQUESTS: errors.TransientError,
}


class _Cause(msgspec.Struct):
    reason: str | None = None
    field: str | None = None


class _Details(msgspec.Struct):
    causes: list[_Cause] | None = None
    retry_after_seconds: float | None = msgspec.field(
        name="retryAfterSeconds", default=None
    )


class Status(msgspec.Struct, frozen=True):
    """The part of a ``Status`` object that is used."""

    code: int | None = None
    reason: str | None = None
    message: str | None = None
    details: _Details | None = None

    def causes(self) -> list[_Cause]:
        """Return the causes, possibly none."""
        return (self.details and self.details.causes) or []

    def has_cause(self, reason: str) -> bool:
        """Tell whether one of the causes has this reason."""
        return any(cause.reason == reason for cause in self.causes())

    def has_field(self, field: str) -> bool:
        """Tell whether one of the causes is about this field."""
        return any(cause.field == field for cause in self.causes())


_STATUS: Final = msgspec.json.Decoder(Status)


def from_response(
    call: Call, code: int, headers: Mapping[str, str], body: bytes
) -> errors.KubeError:
    """Return the error for an answer that is not a success."""
    try:
        status = _STATUS.decode(body)
    except msgspec.MsgspecError:
        # A proxy's page: whatever it says, it is not the API server's answer.
        status = Status(message=f"the answer is not JSON ({len(body)} bytes)")
    return from_status(call, status, code, retry_after_seconds(headers))


def from_status(
    call: Call, status: Status, code: int, retry_after: float | None = None
) -> errors.KubeError:
    """Return the error for a Status, from an answer or from a watch."""
    reason, detail = status.reason or "", _detail(call, status)
    kind = _class_of(status, code)
    if kind is errors.TransientError:
        if retry_after is None and status.details is not None:
            retry_after = status.details.retry_after_seconds
        return errors.TransientError(
            call.verb,
            call.target,
            status=code,
            reason=reason,
            detail=detail,
            retry_after_seconds=retry_after,
        )
    return kind(call.verb, call.target, status=code, reason=reason, detail=detail)


def from_exception(call: Call, error: BaseException) -> errors.TransientError:
    """Return the error for a request that got no usable answer."""
    name = type(error).__name__
    if isinstance(error, ConfigError):
        # Whoever runs the plugin may mend it while the operator goes on.
        detail = f"no credentials: {error}; log in again, or correct the exec plugin"
        return errors.TransientError(
            call.verb, call.target, reason=_CREDENTIALS, detail=detail
        )
    if isinstance(error, msgspec.MsgspecError):
        return errors.TransientError(
            call.verb,
            call.target,
            reason="InvalidBody",
            detail="the answer is not what the API promises, is there a proxy between?",
        )
    if _is_about_certificates(error):
        detail = f"the server's certificate is not trusted: {error}; correct the CA"
        return errors.TransientError(
            call.verb, call.target, reason="CertificateError", detail=detail
        )
    return errors.TransientError(
        call.verb, call.target, reason=name, detail=str(error) or name
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return what ``Retry-After`` asks for, in seconds; None without one.

    Both forms of RFC 9110 are read: a number, or a date.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _class_of(status: Status, code: int) -> type[errors.KubeError]:
    if code in _CLASSES:
        return _CLASSES[code]
    # What was to be updated has been replaced by another object of its name.
    if code == HTTPStatus.UNPROCESSABLE_ENTITY and status.has_field("metadata.uid"):
        return errors.ConflictError
    if code // 100 == _CLIENT_ERROR or _is_permanent(status):
        return errors.RejectedError
    if status.has_cause("ResourceVersionTooLarge"):
        return errors.ExpiredError
    return errors.TransientError


def _is_permanent(status: Status) -> bool:
    message = status.message or ""
    return any(sign in message for sign in _PERMANENT_500)


def _detail(call: Call, status: Status) -> str:
    if call.kind not in _SECRETIVE:
        return status.message or ""
    parts = [words for words in _WHO_REFUSED if words in (status.message or "")]
    fields = sorted({cause.field for cause in status.causes() if cause.field})
    if fields:
        parts.append(f"fields: {', '.join(fields)}")
    return "; ".join(parts) or status.reason or ""


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
