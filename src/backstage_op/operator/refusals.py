"""Why the API server does not take an object, in one word for a condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backstage_op import api, errors, kube

REASONS: Final = (
    api.Reason.INVALID_OBJECT,
    api.Reason.QUOTA_EXCEEDED,
    api.Reason.ADMISSION_DENIED,
)
"""What a person changes: the configuration, a quota, a policy of the cluster."""

_SIGNS: Final[Mapping[str, api.Reason]] = {
    kube.EXCEEDED_QUOTA: api.Reason.QUOTA_EXCEEDED,
    kube.ADMISSION_WEBHOOK: api.Reason.ADMISSION_DENIED,
    kube.ADMISSION_POLICY: api.Reason.ADMISSION_DENIED,
    # The words of a LimitRange, whose answer names neither itself nor its kind.
    " usage per ": api.Reason.INVALID_OBJECT,
    " limit to request ratio per ": api.Reason.INVALID_OBJECT,
}
NAMESPACE_TERMINATING: Final = "NamespaceTerminating"
"""Reason of a node that waits for the end of its namespace, and then is no more."""


def reason_of(error: errors.KubeError) -> str:
    """Return the reason for an object that was not written.

    Admission answers as a missing right does (403): its words tell them apart.
    """
    for sign, reason in _SIGNS.items():
        if sign in error.detail:
            return reason
    is_rejected = isinstance(error, errors.RejectedError)
    return api.Reason.INVALID_OBJECT if is_rejected else error.reason


def is_end_of_namespace(error: errors.KubeError) -> bool:
    """Tell whether nothing can be made any more, since the namespace ends."""
    return isinstance(error, errors.ForbiddenError) and (
        kube.END_OF_NAMESPACE in error.detail
    )
