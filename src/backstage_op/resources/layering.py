"""The layers of one instance's configuration: its flavours and raw ConfigMaps."""

from __future__ import annotations

from typing import Final

from backstage_op import config, errors
from backstage_op.document import Document

from .base import Inputs, Instance
from .pod_template import CONFIG_MAP
from .scope import Scope

_NO_POD: Final[Document] = {}


def layers_of(
    inputs: Inputs, instance: Instance, faults: list[errors.ConfigError]
) -> config.Layers:
    """Return the layers; faults of the whole configuration are added to ``faults``."""
    selection = config.flavours.select(
        inputs.default.flavours, inputs.backstage.spec.flavours
    )
    faults += selection.faults
    scope = Scope(
        inputs,
        instance,
        config.resolve(inputs.default, platform_suffix=inputs.platform.suffix),
        _NO_POD,
        faults,
    )
    raw: dict[str, str] = {}
    origins: dict[str, str] = {}
    names = inputs.backstage.spec.raw_runtime_config
    for field, name in (
        ("backstageConfig", names.backstage_config),
        ("localDbConfig", names.local_db_config),
    ):
        path = f"spec.rawRuntimeConfig.{field}"
        with scope.collecting():
            if name:
                data = scope.content(path, CONFIG_MAP, name)
                origin = f'ConfigMap "{name}"'
                for key, value in data.items():
                    with scope.collecting():
                        raw[key] = _text(value, origin, key)
                        origins[key] = origin
    layers = config.resolve(
        inputs.default,
        flavours=selection.flavours,
        platform_suffix=inputs.platform.suffix,
        raw=raw,
        raw_origin=origins,
        namespace=instance.namespace,
    )
    faults += layers.faults
    return layers


def _text(value: bytes, origin: str, key: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise errors.ManifestError(
            origin, key, "not text in UTF-8; correct the entry"
        ) from None
