from __future__ import annotations

import pytest

from backstage_op import errors
from backstage_op.operator import refusals


@pytest.mark.parametrize(
    ("kind", "detail", "reason"),
    [
        (
            errors.ForbiddenError,
            'pods "a" is forbidden: exceeded quota: none, requested: pods=1',
            "QuotaExceeded",
        ),
        (
            errors.ForbiddenError,
            'admission webhook "policy.example.com" denied the request: no',
            "AdmissionDenied",
        ),
        (
            errors.RejectedError,
            'admission webhook "policy.example.com" denied the request: no',
            "AdmissionDenied",
        ),
        (
            errors.ForbiddenError,
            (
                'persistentvolumeclaims "data" is forbidden: maximum storage usage per '
                "PersistentVolumeClaim is 1Mi, but request is 1Gi"
            ),
            "InvalidObject",
        ),
        (
            errors.ForbiddenError,
            (
                'pods "a" is forbidden: memory max limit to request ratio per Pod '
                "is 2, but provided ratio is 4.000000"
            ),
            "InvalidObject",
        ),
        (errors.RejectedError, "spec.replicas: must not be negative", "InvalidObject"),
        (
            errors.ForbiddenError,
            'User "operator" cannot create resource "services"',
            "Forbidden",
        ),
    ],
)
def test_the_reason_tells_who_can_act(
    kind: type[errors.KubeError], detail: str, reason: str
) -> None:
    error = kind("apply", "Service team/a", status=403, detail=detail)

    assert refusals.reason_of(error) == reason


def test_the_end_of_a_namespace_is_no_missing_right() -> None:
    ending = "unable to create new content in namespace team because it is being "
    error = errors.ForbiddenError(
        "apply", "Service team/a", detail=f"{ending}terminated"
    )
    other = errors.ForbiddenError("apply", "Service team/a", detail="no right")

    assert refusals.is_end_of_namespace(error)
    assert not refusals.is_end_of_namespace(other)
