"""What was found to be as it should be, and need not be compared again.

Most looks at an instance are for the sake of one object. The others are what
they were, and so is what they should be.
"""

from __future__ import annotations

import hashlib
from typing import Final, final

import msgspec

from backstage_op import kube
from backstage_op.document import Document, ObjectRef
from backstage_op.graph import Outcome

_MOST: Final = 10_000
"""Objects that are remembered, some 3 MiB."""


class _Found(msgspec.Struct, frozen=True, gc=False):
    uid: str
    resource_version: int
    wanted: bytes
    outcome: Outcome


@final
class Settled:
    """Outcomes of comparisons that changed nothing, the latest of each object.

    An outcome stands as long as both sides do: the version of the live object,
    and every byte of the wanted one, of which only a digest is kept.
    """

    def __init__(self) -> None:
        self._found: dict[ObjectRef, _Found] = {}

    def get(self, desired: Document, observed: kube.Observed) -> Outcome | None:
        """Return how this comparison ended, if it was the last of this object."""
        found = self._found.get(observed.ref)
        if (
            found is not None
            and found.uid == observed.uid
            and found.resource_version == observed.resource_version
            and found.wanted == _digest(desired)
        ):
            return found.outcome
        return None

    def put(
        self, desired: Document, observed: kube.Observed, outcome: Outcome
    ) -> Outcome:
        """Remember how a comparison ended that changed nothing, and return it."""
        # Last in the order: what nobody looks at any more is dropped first.
        self._found.pop(observed.ref, None)
        self._found[observed.ref] = _Found(
            observed.uid, observed.resource_version, _digest(desired), outcome
        )
        if len(self._found) > _MOST:
            del self._found[next(iter(self._found))]
        return outcome


def _digest(document: Document) -> bytes:
    return hashlib.sha256(msgspec.json.encode(document)).digest()
