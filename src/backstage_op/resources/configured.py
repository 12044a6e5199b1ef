"""An object that is made from a manifest of the configuration, as it stands."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Mapping
from typing import Final

import msgspec

from backstage_op import config, errors
from backstage_op.document import Document, ObjectRef

from . import base64_text, forbidden_secrets, naming, pod_template
from .base import Instance, Kinds, RuntimeObject, SourceData

CONFIG_MAPS: Final[Kinds] = (("v1", pod_template.CONFIG_MAP),)
SECRETS: Final[Kinds] = (("v1", pod_template.SECRET),)
CLAIMS: Final[Kinds] = (("v1", pod_template.CLAIM),)


_CONTENT: Final = ("data", "stringData", "binaryData")
_ENTRY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")


class ConfiguredObject(RuntimeObject, frozen=True, kw_only=True):
    """A ConfigMap, Secret or claim of a configuration key that may hold several.

    Attributes:
        name: The name of the object in the cluster.
        manifest: What the configuration says.
        source: The layer, for the annotation; empty for none.
        owned: Whether it goes with the resource.
    """

    name: str
    manifest: Document
    source: str = ""
    owned: bool = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.ref})"

    @property
    def ref(self) -> ObjectRef:
        """The identity of the object."""
        return ObjectRef(
            self.manifest["apiVersion"],
            self.manifest["kind"],
            self.instance.namespace,
            self.name,
        )

    def desired(self) -> Document:
        """Return the manifest as an object of the instance."""
        annotations = {naming.CONFIGURED_NAME: self.manifest["metadata"]["name"]}
        if self.source:
            annotations[naming.SOURCE] = self.source
        return naming.stamped(
            self.manifest,
            self.instance,
            self.name,
            annotations=annotations,
            owned=self.owned,
        )


def of(
    prefix: str, key: str, layered: config.Layered, instance: Instance
) -> ConfiguredObject:
    """Return the object of a layered manifest.

    Raises:
        errors.ManifestError: data that is not base64, or an entry whose key is
            not the name of a file.
        errors.ForbiddenReferenceError: a Secret that must not reach a pod.
    """
    manifest = layered.document
    configured_name = manifest["metadata"]["name"]
    if manifest["kind"] == pod_template.SECRET:
        forbidden_secrets.check_type(
            f"{layered.origin}, key {key}", configured_name, manifest.get("type")
        )
    if manifest["kind"] in (pod_template.SECRET, pod_template.CONFIG_MAP):
        manifest = encoded(manifest, layered.origin, key)
    _check_keys(manifest, layered.origin, key)
    return ConfiguredObject(
        key=f"{key.removesuffix('.yaml')}/{configured_name}",
        instance=instance,
        name=naming.part_name(prefix, instance.name, configured_name),
        manifest=manifest,
        source=source_of(key, layered),
    )


def source_of(key: str, layered: config.Layered) -> str:
    """Return what the annotation says of where an object comes from, if anything.

    The Go operator marks the source of just those that flavours add to.
    """
    return layered.source if key in config.ADDED_BY_FLAVOURS else ""


def data_of(configured: ConfiguredObject) -> Mapping[str, bytes]:
    """Return keys and bytes of a configured ConfigMap or Secret."""
    return SourceData.of(configured.manifest).data


def annotation_of(configured: ConfiguredObject, name: str) -> str | None:
    """Return an annotation of the manifest, None if it has none of that name."""
    annotations = configured.manifest["metadata"].get("annotations") or {}
    value = annotations.get(name)
    return None if value is None else str(value)


def encoded(manifest: Document, origin: str, key: str) -> Document:
    """Return a Secret with ``data`` only, or a ConfigMap, as the API server stores it.

    ``stringData`` is never returned by the API server, so what somebody else
    changes of it could not be seen. An entry without a value is an empty one.

    Raises:
        errors.ManifestError: an entry is not base64.
    """
    stored = {k: v for k, v in manifest.items() if k not in _CONTENT}
    texts = {k: v or "" for k, v in _entries(manifest, "stringData")}
    if manifest["kind"] == pod_template.SECRET:
        data = _stored(manifest, "data", origin, key, remedy="stringData")
        data |= {k: base64_text.encoded(v.encode()) for k, v in texts.items()}
        fields = {"data": data}
    else:
        fields = {
            "data": {k: v or "" for k, v in _entries(manifest, "data")},
            "binaryData": _stored(manifest, "binaryData", origin, key, remedy="data"),
        }
    return stored | {field: entries for field, entries in fields.items() if entries}


def _entries(manifest: Document, field: str) -> ItemsView[str, str | None]:
    entries: dict[str, str | None] = manifest.get(field) or {}
    return entries.items()


def _stored(
    manifest: Document, field: str, origin: str, key: str, *, remedy: str
) -> dict[str, str]:
    data = {}
    for entry, value in _entries(manifest, field):
        try:
            data[entry] = base64_text.encoded(base64_text.decoded(value or ""))
        except ValueError:
            raise errors.ManifestError(
                origin, key, f'{field}["{entry}"] is not base64; use {remedy} for text'
            ) from None
    return data


def _check_keys(manifest: Document, origin: str, key: str) -> None:
    for field in ("data", "binaryData"):
        for entry in manifest.get(field) or ():
            if not _ENTRY.fullmatch(entry) or entry == "." or entry.startswith(".."):
                raise errors.ManifestError(
                    origin,
                    key,
                    f'{field}["{entry}"]: not a key that a file can be named by; use '
                    "letters, digits, '-', '_' and '.'",
                )


def with_data(
    configured: ConfiguredObject, data: Mapping[str, str]
) -> ConfiguredObject:
    """Return a configured ConfigMap with other data."""
    return msgspec.structs.replace(
        configured, manifest={**configured.manifest, "data": dict(data)}
    )
