"""A digest over exactly the bytes that a running pod cannot see change.

Those are files mounted by ``subPath`` and environment variables. They are
found by reading the finished pod template, so nothing that reaches the pod can
be forgotten, and nothing that does not can cause a restart. The digest is keyed:
a plain one of a short secret would give the secret away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Final, TypeAlias, final

from backstage_op import errors
from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Inputs, Instance, Lifecycle, RuntimeObject, Source
from .pod_template import CONFIG_MAP, SECRET, containers_of
from .references import Delivery, sources_of

Delivered: TypeAlias = Mapping[Source, Mapping[str, bytes]]
"""The entries of the ConfigMaps and Secrets whose content is known."""

Entry: TypeAlias = tuple[str, str, str]
"""Kind, name and key of one entry of a ConfigMap or Secret."""

_KEY: Final = "key"
_LENGTH_BYTES: Final = 8


@final
class ChecksumKey(RuntimeObject, frozen=True, kw_only=True):
    """The Secret with the key of the digest, made once for each instance."""

    lifecycle: ClassVar[Lifecycle] = Lifecycle.CREATE_ONCE

    value: bytes

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Secret."""
        return checksum_key_ref(self.instance)

    def desired(self) -> Document:
        """Return the Secret."""
        manifest: Document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "data": {_KEY: base64.b64encode(self.value).decode()},
        }
        return naming.stamped(manifest, self.instance, self.ref.name)


def checksum_key_ref(instance: Instance) -> ObjectRef:
    """Return the identity of the Secret with the key of an instance."""
    name = naming.checksum_key_name(instance.name)
    return ObjectRef("v1", "Secret", instance.namespace, name)


def read_checksum_key(secret: Document) -> bytes:
    """Return the key that a Secret holds.

    A Secret without a key gives an empty one: the digest is then as good as a
    plain one, and stays the same.
    """
    return base64.b64decode((secret.get("data") or {}).get(_KEY, ""))


def digest(pod: Document, delivered: Delivered, key: bytes) -> str:
    """Return the digest of what a pod spec makes of known objects, in hex."""
    entries = {
        entry: content
        for entry in _entries_of(pod, delivered)
        if (content := _content(entry, delivered)) is not None
    }
    authenticator = hmac.new(key, digestmod=hashlib.sha256)
    for entry, content in sorted(entries.items()):
        for part in (*(text.encode() for text in entry), content):
            authenticator.update(len(part).to_bytes(_LENGTH_BYTES))
            authenticator.update(part)
    return authenticator.hexdigest()


def legacy_digest(inputs: Inputs) -> str:
    """Return the digest that the Go operator writes for the same inputs, in hex.

    It is the SHA-256 of the keys and values of all referenced objects, without
    separators, whatever part of them is used.
    """
    hashed = hashlib.sha256()
    for ref in sources_of(inputs.backstage):
        if ref.delivery is Delivery.DIRECTORY or not _is_hashed_by_go(ref.path):
            continue
        content = inputs.sources.get(ref.source)
        for key, value in sorted(content.data.items()) if content else ():
            hashed.update(key.encode() + value)
    return hashed.hexdigest()


def entries_of_document(document: Document) -> Mapping[str, bytes]:
    """Return keys and bytes of a ConfigMap or Secret that is to be applied.

    Raises:
        errors.ConfigError: an entry is not base64 though it has to be.
    """
    text: Mapping[str, str] = document.get("data") or {}
    if document["kind"] == CONFIG_MAP:
        binary: Mapping[str, str] = document.get("binaryData") or {}
        plain = {key: value.encode() for key, value in text.items()}
        return plain | _decoded(document, binary)
    return _decoded(document, text)


def _is_hashed_by_go(path: str) -> bool:
    return path.startswith("spec.application.")


def _decoded(document: Document, data: Mapping[str, str]) -> dict[str, bytes]:
    decoded = {}
    for key, value in data.items():
        try:
            decoded[key] = base64.b64decode(value, validate=True)
        except ValueError:
            name = f'{document["kind"]} "{document["metadata"]["name"]}"'
            raise errors.ManifestError(
                name, key, "is not base64; encode the value"
            ) from None
    return decoded


def _content(entry: Entry, delivered: Delivered) -> bytes | None:
    kind, name, key = entry
    return delivered.get(Source(kind, name), {}).get(key)


def _entries_of(pod: Document, delivered: Delivered) -> Iterator[Entry]:
    objects = dict(_objects_of(pod.get("volumes") or ()))
    for container in containers_of(pod):
        for mount in container.get("volumeMounts") or ():
            source = objects.get(mount.get("name"))
            if source is not None and mount.get("subPath"):
                yield source.kind, source.name, mount["subPath"]
        for variable in container.get("env") or ():
            yield from _key_references(variable.get("valueFrom") or {})
        for environment in container.get("envFrom") or ():
            for source in _environment_sources(environment):
                for key in delivered.get(source, {}):
                    yield source.kind, source.name, key


def _objects_of(volumes: Iterable[Document]) -> Iterator[tuple[str, Source]]:
    for volume in volumes:
        if name := (volume.get("configMap") or {}).get("name"):
            yield volume["name"], Source(CONFIG_MAP, name)
        elif name := (volume.get("secret") or {}).get("secretName"):
            yield volume["name"], Source(SECRET, name)


def _key_references(value: Document) -> Iterator[Entry]:
    for field, kind in (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)):
        if reference := value.get(field):
            yield kind, reference.get("name", ""), reference.get("key", "")


def _environment_sources(environment: Document) -> Iterator[Source]:
    for field, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
        if reference := environment.get(field):
            yield Source(kind, reference.get("name", ""))
