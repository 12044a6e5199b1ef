"""Which Secrets must not reach a pod.

Whoever may write a ``Backstage`` could otherwise read, from the portal, what the
rights in the namespace keep from them: a token acts as another account.
"""

from __future__ import annotations

from typing import Final

from backstage_op import errors

_FORBIDDEN: Final = (
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
    "kubernetes.io/service-account-token",
)


def check_type(path: str, name: str, secret_type: object) -> None:
    """Check that a Secret may reach a pod.

    Raises:
        errors.ForbiddenReferenceError: it is of a type that keeps credentials of
            the cluster.
    """
    if secret_type in _FORBIDDEN:
        raise errors.ForbiddenReferenceError(
            path,
            f'Secret "{name}" is of type {secret_type}, which must not reach a pod; '
            "use a Secret of your own",
        )
