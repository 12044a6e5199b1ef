"""Which instances use which ConfigMap or Secret: an index in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, final

from backstage_op.document import ObjectRef

InstanceKey: TypeAlias = tuple[str, str]
"""Namespace and name of a ``Backstage``."""


@final
class ReferenceIndex:
    """Object → instances that refer to it, built from the specifications.

    Nothing is written on the objects themselves, so two instances may share
    one, and an object that does not exist yet can be waited for.
    """

    def __init__(self) -> None:
        self._objects: dict[InstanceKey, frozenset[ObjectRef]] = {}
        self._instances: dict[ObjectRef, set[InstanceKey]] = {}

    def __contains__(self, ref: ObjectRef) -> bool:
        return ref in self._instances

    def instances_of(self, ref: ObjectRef) -> frozenset[InstanceKey]:
        """Return the instances that refer to an object."""
        return frozenset(self._instances.get(ref, ()))

    def replace(self, instance: InstanceKey, refs: Iterable[ObjectRef]) -> None:
        """Set what an instance refers to, in place of what it referred to."""
        new = frozenset(refs)
        old = self._objects.pop(instance, frozenset())
        for ref in old - new:
            users = self._instances[ref]
            users.discard(instance)
            if not users:
                del self._instances[ref]
        for ref in new:
            self._instances.setdefault(ref, set()).add(instance)
        if new:
            self._objects[instance] = new

    def forget(self, instance: InstanceKey) -> None:
        """Drop an instance that is gone."""
        self.replace(instance, ())
