"""Objects of a configuration key that may hold several: ConfigMaps, Secrets, claims.

Each keeps the name it has in the configuration in an annotation, and in its own
name after that of the instance.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias, final

from backstage_op import config, errors
from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Instance, RuntimeObject
from .pod_template import CONFIG_MAP, SECRET, ContainerFilter, Origin, PodContribution

Contributed: TypeAlias = PodContribution | errors.ConfigError
"""What an object adds to the pod, or what keeps it from that."""

_API_VERSION: Final = "v1"


@final
class Part(RuntimeObject, frozen=True, kw_only=True):
    """One configured object.

    ``prefix`` begins its name. ``layer`` is the value of the annotation that
    tells where it comes from, empty for none. ``origin`` is for messages.
    """

    manifest: Document
    prefix: str
    layer: str
    origin: Origin

    @property
    def kind(self) -> str:
        """ConfigMap, Secret or PersistentVolumeClaim."""
        return str(self.manifest["kind"])

    @property
    def configured_name(self) -> str:
        """The name in the configuration."""
        return str(self.manifest["metadata"]["name"])

    @property
    def name(self) -> str:
        """The name in the cluster."""
        return naming.part_name(self.prefix, self.instance.name, self.configured_name)

    @property
    def ref(self) -> ObjectRef:
        """The identity of the object."""
        return ObjectRef(_API_VERSION, self.kind, self.instance.namespace, self.name)

    @property
    def containers(self) -> ContainerFilter:
        """The containers that the manifest asks to add it to."""
        return ContainerFilter.of_annotation(self.annotation(naming.CONTAINERS))

    def annotation(self, name: str) -> str:
        """Return an annotation of the manifest, empty if it is absent."""
        annotations = self.manifest["metadata"].get("annotations") or {}
        return str(annotations.get(name) or "")

    def keys(self) -> tuple[str, ...]:
        """Return the keys of its entries: text first, each group sorted."""
        if self.kind == SECRET:
            return tuple(sorted(secret_data(self.manifest)))
        data, binary = (self.manifest.get(field) or {} for field in _CONFIG_MAP_FIELDS)
        return (*sorted(data), *sorted(binary))

    def desired(self) -> Document:
        """Return the object as it is to be applied.

        Secrets carry ``data``: the server would turn ``stringData`` into it, and
        what drifts there would not be seen.
        """
        annotations = {naming.CONFIGURED_NAME: self.configured_name}
        if self.layer:
            annotations[naming.SOURCE] = self.layer
        document = naming.stamped(
            self.manifest, self.instance, self.name, annotations=annotations
        )
        if self.kind == SECRET:
            document.pop("stringData", None)
            document["data"] = secret_data(self.manifest)
        return document


_CONFIG_MAP_FIELDS: Final = ("data", "binaryData")


def parts_of(
    instance: Instance,
    key: str,
    prefix: str,
    layered: Iterable[config.Layered],
) -> tuple[Part, ...]:
    """Return the objects of a configuration key, in their order.

    Raises:
        errors.ManifestError: an object has no name, or that of another.
    """
    parts: dict[str, Part] = {}
    for layer in layered:
        origin = Origin(source=layer.origin, key=key)
        name = (layer.document.get("metadata") or {}).get("name")
        if not name:
            raise origin.error("metadata.name is missing; give the object a name")
        if name in parts:
            raise origin.error(
                f'metadata.name "{name}" is used twice; give one of them another name'
            )
        is_config_map = layer.document["kind"] == CONFIG_MAP
        parts[name] = Part(
            key=f"{key.removesuffix('.yaml')}/{name}",
            instance=instance,
            manifest=layer.document,
            prefix=prefix,
            layer=layer.source if is_config_map else "",
            origin=origin,
        )
    return tuple(parts.values())


def secret_data(manifest: Document) -> dict[str, str]:
    """Return the entries of a Secret's manifest, those of ``stringData`` encoded."""
    data: Mapping[str, str] = manifest.get("data") or {}
    plain: Mapping[str, str] = manifest.get("stringData") or {}
    encoded = {
        key: base64.b64encode(str(value).encode()).decode()
        for key, value in plain.items()
        if value is not None
    }
    return {key: value for key, value in data.items() if value is not None} | encoded
