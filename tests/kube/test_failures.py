from __future__ import annotations

import builtins
import email.utils
import inspect
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from lightkube.core.exceptions import ConfigError

from backstage_op import errors
from backstage_op.kube import failures
from backstage_op.kube.call import Call

CALL = Call(verb="apply", target="Deployment team/app", kind="Deployment")
SECRET = Call(verb="apply", target="Secret team/db", kind="Secret")


def _body(**status: Any) -> bytes:
    return msgspec.json.encode({"kind": "Status", **status})


def _error(code: int, body: bytes = b"{}", **headers: str) -> errors.KubeError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return failures.from_response(CALL, code, httpx2.Headers(named), body)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, errors.RejectedError),
        (401, errors.ForbiddenError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (405, errors.RejectedError),
        (406, errors.RejectedError),
        (408, errors.TransientError),
        (409, errors.ConflictError),
        (410, errors.ExpiredError),
        (413, errors.RejectedError),
        (415, errors.RejectedError),
        (422, errors.RejectedError),
        (429, errors.TransientError),
        (500, errors.TransientError),
        (502, errors.TransientError),
        (503, errors.TransientError),
        (504, errors.TransientError),
        (301, errors.TransientError),
    ],
)
def test_the_code_of_an_answer_tells_who_can_act(
    code: int, expected: type[errors.KubeError]
) -> None:
    error = _error(code, _body(reason="Why", message="what happened"))

    assert type(error) is expected
    assert (error.status, error.reason, error.detail) == (code, "Why", "what happened")
    assert str(error) == f"apply Deployment team/app: {code} what happened"


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (a/b): .spec.x: field not declared",
        ".spec.template.spec.x: field not declared in schema",
        "failed to create typed live object (a/b)",
        "failed to create manager for existing fields: failed to convert",
        'errors: .spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    ],
)
def test_a_500_about_an_applied_field_is_never_tried_again(message: str) -> None:
    assert type(_error(500, _body(message=message))) is errors.RejectedError


def test_an_object_that_was_replaced_meanwhile_is_a_conflict() -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "metadata.uid"}]

    error = _error(422, _body(reason="Invalid", details={"causes": causes}))

    assert type(error) is errors.ConflictError


def test_a_version_the_server_has_not_reached_is_expired() -> None:
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large"}]

    error = _error(504, _body(reason="Timeout", details={"causes": causes}))

    assert type(error) is errors.ExpiredError


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"\xff", b"[]", b'"text"'])
def test_the_page_of_a_proxy_is_not_quoted(body: bytes) -> None:
    error = _error(503, body)

    assert type(error) is errors.TransientError
    assert error.detail == f"the answer is not JSON ({len(body)} bytes)"


def test_a_long_message_is_capped() -> None:
    assert len(_error(422, _body(message="x" * 5000)).detail) == 256


def test_of_a_secret_only_the_fields_are_named() -> None:
    causes = [
        {"field": "data.password", "message": 'Invalid value: "hunter2"'},
        {"field": "data.a"},
    ]
    body = _body(
        reason="Invalid", message='"hunter2" is invalid', details={"causes": causes}
    )

    error = failures.from_response(SECRET, 422, {}, body)

    assert str(error) == "apply Secret team/db: 422 fields: data.a, data.password"


def test_of_a_secret_without_fields_only_the_reason_is_told() -> None:
    body = _body(reason="BadRequest", message="illegal base64: hunter2")

    error = failures.from_response(SECRET, 400, {}, body)

    assert str(error) == "apply Secret team/db: 400 BadRequest"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ('secrets "db" is forbidden: exceeded quota: limit', "exceeded quota"),
        ('admission webhook "a.test" denied: hunter2', "admission webhook"),
        ("ValidatingAdmissionPolicy 'a' denied: hunter2", "ValidatingAdmissionPolicy"),
        (
            "cannot create in namespace team because it is being terminated",
            "because it is being terminated",
        ),
    ],
)
def test_of_a_secret_it_is_told_who_refused_it(message: str, told: str) -> None:
    body = _body(reason="Forbidden", message=message)

    error = failures.from_response(SECRET, 403, {}, body)

    assert str(error) == f"apply Secret team/db: 403 {told}"


def _transient(code: int, body: bytes = b"{}", **headers: str) -> float | None:
    error = _error(code, body, **headers)
    assert isinstance(error, errors.TransientError)
    return error.retry_after_seconds


def test_retry_after_is_read_as_a_number() -> None:
    assert _transient(429, retry_after="7") == 7.0


def test_retry_after_is_read_as_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)

    seconds = _transient(503, retry_after=email.utils.format_datetime(moment, True))

    assert seconds == pytest.approx(3600, abs=120)


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_date_that_is_past_means_now(zone: str) -> None:
    assert _transient(503, retry_after=f"Wed, 21 Oct 2015 07:28:00 {zone}") == 0.0


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5"])
def test_retry_after_that_is_neither_is_none(text: str) -> None:
    assert _transient(503, retry_after=text) is None


def test_without_a_header_the_details_tell_when_to_retry() -> None:
    body = _body(details={"retryAfterSeconds": 3})

    assert _transient(500, body) == 3.0
    assert _transient(500, body, retry_after="1") == 1.0


def _classes(base: type[Any]) -> list[type[Any]]:
    subclasses: list[type[Any]] = base.__subclasses__()
    return [base, *(c for sub in subclasses for c in _classes(sub))]


def test_whatever_the_http_library_raises_is_translated() -> None:
    """Its programming errors, such as a misuse of cookies, are ours to see."""
    raised = {
        value
        for _, value in inspect.getmembers(httpx2, inspect.isclass)
        if issubclass(value, Exception)
    }
    misuse = {httpx2.CookieConflict}

    left = {c for c in raised - misuse if not issubclass(c, failures.TRANSLATED)}

    assert left == set()


@pytest.mark.parametrize(
    "kind", [*_classes(httpx2.TransportError), builtins.TimeoutError, EOFError]
)
def test_a_request_without_an_answer_may_work_next_time(kind: type[Exception]) -> None:
    error = failures.from_exception(CALL, kind("broke"))

    assert type(error) is errors.TransientError
    assert (error.status, error.reason) == (0, kind.__name__)
    assert str(error) == "apply Deployment team/app: no answer broke"


def test_an_error_without_words_is_told_by_its_name() -> None:
    error = failures.from_exception(CALL, httpx2.ReadError(""))

    assert str(error) == "apply Deployment team/app: no answer ReadError"


def test_a_certificate_that_is_not_trusted_says_what_to_correct() -> None:
    outer = httpx2.ConnectError("handshake")
    outer.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")

    error = failures.from_exception(CALL, outer)

    assert isinstance(error, errors.TransientError)
    assert error.reason == "CertificateError"
    assert str(error).endswith("; correct the CA")


def test_credentials_that_cannot_be_had_are_asked_for_again() -> None:
    error = failures.from_exception(CALL, ConfigError("exec aws failed: 1"))

    assert error.reason in failures.NOT_SENT
    assert str(error) == (
        "apply Deployment team/app: no answer no credentials: exec aws failed: 1; "
        "log in again, or correct the exec plugin"
    )


def test_a_body_that_is_not_what_was_promised_is_not_quoted() -> None:
    error = failures.from_exception(CALL, msgspec.ValidationError("hunter2"))

    assert isinstance(error, errors.TransientError)
    assert error.reason == "InvalidBody"
    assert "hunter2" not in str(error)
