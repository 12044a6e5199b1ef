"""Which layers each object of an instance comes from, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from backstage_op import config

from . import layering, plugin_app_config, plugin_dependencies
from .base import Inputs, RuntimeObject
from .catalog import Composition
from .scope import instance_of

_OPERATOR: Final = "operator"
_EVERYWHERE: Final = ("commonMetadata",)
_PLUGINS: Final = (
    "application.dynamicPluginsConfigMapName",
    "application.dynamicPlugins",
)
_URL: Final = ("application.route", "application.ingress", "application.httpRoute")
"""They make the base URL, which is written into an app-config."""

_POD: Final = (
    "application.appConfig",
    *_PLUGINS,
    "application.extraEnvs",
    "application.extraFiles",
    "application.image",
    "application.imagePullSecrets",
    "application.replicas",
    # An app-config with another base URL is another digest, and restarts the pods.
    *_URL,
    "database.authSecretName",
    "database.enableLocalDb",
    "database.external",
    "deployment",
)
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    # One of the user may take the place of one of the configuration.
    "app-config": ("application.appConfig", *_URL),
    "backend-secret": ("application.appConfig",),
    "db-secret": ("database.local.image", "deletionPolicy"),
    "db-statefulset": ("database.local", "database.authSecretName", "deletionPolicy"),
    "deployment": _POD,
    "dynamic-plugins": _PLUGINS,
    "headless-service": ("deployment.kind",),
    "httproute": ("application.httpRoute",),
    "ingress": ("application.ingress",),
    "networkpolicy": ("database.enableLocalDb",),
    "plugin-app-config": _PLUGINS,
    plugin_dependencies.KEY: (*_PLUGINS, "database.authSecretName"),
    "pvcs": ("deletionPolicy",),
    "route": ("application.route",),
    "service": ("application.ingress", "application.httpRoute"),
    "service-monitor": ("monitoring",),
}
"""Fields of ``spec`` that may change the objects of a key."""


def explain(inputs: Inputs, composition: Composition) -> dict[str, tuple[str, ...]]:
    """Return the layers of each object, lowest first, by the object's key.

    A layer is named as messages name it: a file of the default configuration,
    a flavour, a raw ConfigMap, a field of the resource that is set; or
    ``operator`` for what has no manifest.
    """
    instance = instance_of(inputs.backstage)
    layers = layering.layers_of(inputs, instance, [])
    spec = msgspec.to_builtins(inputs.backstage.spec)
    return {
        made.key: tuple(_layers(made, layers, spec)) for made in composition.objects
    }


def _layers(made: RuntimeObject, layers: config.Layers, spec: Any) -> Iterator[str]:
    key, _, name = made.key.partition("/")
    if isinstance(made, plugin_dependencies.PluginDependency):
        yield made.origin
    elif key == plugin_app_config.KEY:
        yield from layers.origins(config.plugins.KEY) or (_OPERATOR,)
    else:
        yield from layers.origins(f"{key}.yaml", name) or (_OPERATOR,)
    for path in (*_FIELDS.get(key, ()), *_EVERYWHERE):
        if _is_set(spec, path):
            yield f"spec.{path}"


def _is_set(spec: Any, path: str) -> bool:
    """Tell whether a specification says something at a path; defaults are absent."""
    for field in path.split("."):
        if not isinstance(spec, dict) or field not in spec:
            return False
        spec = spec[field]
    return spec not in ({}, [], "", None)
