"""An object that is made from a manifest of the configuration, as it stands."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import msgspec

from backstage_op import config, errors
from backstage_op.document import Document, ObjectRef

from . import naming, pod_template
from .base import Instance, Kinds, RuntimeObject

CONFIG_MAPS: Final[Kinds] = (("v1", pod_template.CONFIG_MAP),)
SECRETS: Final[Kinds] = (("v1", pod_template.SECRET),)
CLAIMS: Final[Kinds] = (("v1", pod_template.CLAIM),)


_ADDED_BY_FLAVOURS: Final = frozenset(
    {"app-config.yaml", "configmap-envs.yaml", "configmap-files.yaml"}
)


class ConfiguredObject(RuntimeObject, frozen=True, kw_only=True):
    """A ConfigMap, Secret or claim of a configuration key that may hold several.

    Attributes:
        name: The name of the object in the cluster.
        manifest: What the configuration says.
        source: The layer, for the annotation; empty for none.
    """

    name: str
    manifest: Document
    source: str = ""

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
            self.manifest, self.instance, self.name, annotations=annotations
        )


def of(
    prefix: str, key: str, layered: config.Layered, instance: Instance
) -> ConfiguredObject:
    """Return the object of a layered manifest.

    Raises:
        errors.ManifestError: data that is not base64.
    """
    manifest = layered.document
    configured_name = manifest["metadata"]["name"]
    if manifest["kind"] == pod_template.SECRET:
        manifest = _encoded(manifest, layered.origin, key)
    return ConfiguredObject(
        key=f"{key.removesuffix('.yaml')}/{configured_name}",
        instance=instance,
        name=naming.part_name(prefix, instance.name, configured_name),
        manifest=manifest,
        # The Go operator marks the source of just those that flavours add to.
        source=layered.source if key in _ADDED_BY_FLAVOURS else "",
    )


def data_of(configured: ConfiguredObject) -> Mapping[str, bytes]:
    """Return keys and bytes of a configured ConfigMap or Secret."""
    manifest = configured.manifest
    data: Mapping[str, str] = manifest.get("data") or {}
    if manifest["kind"] == pod_template.SECRET:
        return {key: base64.b64decode(value) for key, value in data.items()}
    binary: Mapping[str, str] = manifest.get("binaryData") or {}
    return {key: str(value).encode() for key, value in data.items()} | {
        key: base64.b64decode(value) for key, value in binary.items()
    }


def annotation_of(configured: ConfiguredObject, name: str) -> str | None:
    """Return an annotation of the manifest, None if it has none of that name."""
    annotations = configured.manifest["metadata"].get("annotations") or {}
    value = annotations.get(name)
    return None if value is None else str(value)


def _encoded(manifest: Document, origin: str, key: str) -> Document:
    """Return a Secret with ``data`` only.

    ``stringData`` is never returned by the API server, so what somebody else
    changes of it could not be seen.
    """
    encoded = {
        entry: base64.b64encode(str(value).encode()).decode()
        for entry, value in (manifest.get("stringData") or {}).items()
    }
    data = {**(manifest.get("data") or {}), **encoded}
    for entry, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise errors.ManifestError(
                origin, key, f'data["{entry}"] is not base64; use stringData for text'
            ) from None
    rest = {k: v for k, v in manifest.items() if k not in ("data", "stringData")}
    return rest | {"data": data} if data else rest


def with_data(
    configured: ConfiguredObject, data: Mapping[str, str]
) -> ConfiguredObject:
    """Return a configured ConfigMap with other data."""
    return msgspec.structs.replace(
        configured, manifest={**configured.manifest, "data": dict(data)}
    )
