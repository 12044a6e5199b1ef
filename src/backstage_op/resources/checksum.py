"""The digest over what reaches the pod only when it starts: it restarts the pod.

It covers the bytes of files mounted by subPath and of environment variables;
a directory is left out, since the kubelet updates it in a running pod.

The digest is keyed (HMAC, RFC 2104): a plain one, readable by all who may read
pods, would let them test guesses of a Secret's value.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import ClassVar, final

import msgspec

from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Instance, Lifecycle, RuntimeObject

KEY: str = "checksum-key"
_ENTRY = "key"


class Content(msgspec.Struct, frozen=True, order=True):
    """One entry of a ConfigMap or Secret that reaches the pod."""

    kind: str
    name: str
    key: str
    data: bytes


def digest(key: bytes, contents: Iterable[Content]) -> str:
    """Return the digest over contents, whatever their order, as 64 hex digits.

    Each part is preceded by its length, so that no two different sets of
    contents are hashed from the same bytes.
    """
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for content in sorted(set(contents)):
        for part in (
            content.kind.encode(),
            content.name.encode(),
            content.key.encode(),
            content.data,
        ):
            mac.update(len(part).to_bytes(8, "big"))
            mac.update(part)
    return mac.hexdigest()


@final
class ChecksumKey(RuntimeObject, frozen=True, kw_only=True):
    """The Secret that keeps the key of the digest. Losing it costs one restart."""

    lifecycle: ClassVar[Lifecycle] = Lifecycle.CREATE_ONCE

    value: bytes

    def __repr__(self) -> str:
        return f"ChecksumKey({self.ref})"

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Secret."""
        return checksum_key_ref(self.instance)

    def desired(self) -> Document:
        """Return the Secret, owned by the instance."""
        manifest: Document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "data": {_ENTRY: base64.b64encode(self.value).decode()},
        }
        return naming.stamped(manifest, self.instance, self.ref.name)


def checksum_key_ref(instance: Instance) -> ObjectRef:
    """Return the identity of the Secret with the key of an instance's digest."""
    name = naming.checksum_key_name(instance.name)
    return ObjectRef("v1", "Secret", instance.namespace, name)


def read_checksum_key(document: Document) -> bytes:
    """Return the key that the Secret keeps; empty if somebody removed it."""
    return base64.b64decode((document.get("data") or {}).get(_ENTRY, ""))
