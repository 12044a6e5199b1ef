"""What Route, Ingress and HTTPRoute share: the portal's name, and when there is one."""

from __future__ import annotations

from typing import ClassVar

from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Kinds, RuntimeObject


class ExposingObject(RuntimeObject, frozen=True, kw_only=True):
    """An object that leads to the portal from outside.

    ``kinds`` are those that its manifest may be of; it is of the first.
    """

    kinds: ClassVar[Kinds]

    manifest: Document

    @property
    def ref(self) -> ObjectRef:
        """The identity of the object: it is called like the portal."""
        name = naming.app_name(self.instance.name)
        return ObjectRef(*self.kinds[0], self.instance.namespace, name)


def is_wanted(enabled: bool | None, *, is_described: bool) -> bool:
    """Tell whether there is to be an object: as ``enabled`` says.

    If it says nothing: if the resource or the configuration describes one.
    """
    return is_described if enabled is None else enabled
