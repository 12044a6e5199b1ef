"""Kinds that only the API server knows: how each is called in paths, and its scope.

What was found is remembered, what was not found is asked for again, so that
an API that is installed later is noticed.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from backstage_op import errors
from backstage_op.document import ObjectRef

from .call import Call
from .kinds import ResourceKind, find_kind
from .sending import Sender, decoded

KIND_NOT_SERVED: Final = "KindNotServed"
"""Reason of the error about a kind whose API is not installed."""


class _Resource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool


class _ResourceList(msgspec.Struct):
    resources: list[_Resource]


@final
class ServedKinds:
    """Answers of the API server to the question what it serves."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._found: dict[tuple[str, str], ResourceKind] = {}

    async def of(self, ref: ObjectRef) -> ResourceKind:
        """Return the kind of an object.

        Raises:
            errors.NotFoundError: it is not served; the reason is
                :data:`KIND_NOT_SERVED`.
            errors.KubeError: the API server did not answer as hoped.
        """
        identity = (ref.api_version, ref.kind)
        if (known := self._found.get(identity)) is not None:
            return known
        if (known := find_kind(ref)) is not None and not known.optional:
            return known
        for resource in await self._resources(ref):
            # "pods/log" and the like are no kinds of objects.
            if resource.kind == ref.kind and "/" not in resource.name:
                found = ResourceKind(
                    ref.api_version,
                    ref.kind,
                    resource.name,
                    namespaced=resource.namespaced,
                    optional=True,
                )
                self._found[identity] = found
                return found
        raise _not_served(ref)

    def forget(self, ref: ObjectRef) -> None:
        """Ask again next time: what was found may not be served any more."""
        self._found.pop((ref.api_version, ref.kind), None)

    async def _resources(self, ref: ObjectRef) -> list[_Resource]:
        root = "/apis/" if "/" in ref.api_version else "/api/"
        path = root + ref.api_version
        call = Call(verb="get", target=path)
        try:
            response = await self._sender.request(call, "GET", path)
        except errors.NotFoundError:
            raise _not_served(ref) from None
        found: list[_Resource] = decoded(
            call, response.content, _ResourceList
        ).resources
        return found


def _not_served(ref: ObjectRef) -> errors.NotFoundError:
    return errors.NotFoundError(
        "discover",
        f"{ref.kind} of {ref.api_version}",
        status=404,
        reason=KIND_NOT_SERVED,
        detail="the API server does not serve this kind; install its API",
    )
