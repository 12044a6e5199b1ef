"""What is not known while objects of the user must not be read: it is left as it is.

What such an object holds decides about more than what is mounted from it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from backstage_op import api

from . import (
    backend_secret,
    dynamic_plugins,
    plugin_app_config,
    plugin_dependencies,
)
from .base import Source
from .catalog import WORKLOAD_KEY, Composition
from .pod_template import CONFIG_MAP

# Whatever the pod is given may say a URL, or be mounted in place of an app-config
# that does, and may set the variable of the backend's secret.
_OF_THE_POD: Final = (WORKLOAD_KEY, "app-config/", backend_secret.KEY)
_OF_PLUGINS: Final = (
    dynamic_plugins.KEY.removesuffix(".yaml"),
    plugin_app_config.KEY,
    f"{plugin_dependencies.KEY}/",
)


def hides_layers(backstage: api.Backstage, unread: Collection[Source]) -> bool:
    """Tell whether a layer of the configuration is unread, and so all objects."""
    names = backstage.spec.raw_runtime_config
    layers = names.backstage_config, names.local_db_config
    return any(Source(CONFIG_MAP, name) in unread for name in layers)


def without_guesses(
    composition: Composition, backstage: api.Backstage, unread: Collection[Source]
) -> Composition:
    """Return the objects of a composition that no unread object decides about."""
    plugins = backstage.spec.application.dynamic_plugins_config_map_name
    prefixes: tuple[str, ...] = _OF_THE_POD
    if Source(CONFIG_MAP, plugins) in unread:
        prefixes += _OF_PLUGINS
    return msgspec.structs.replace(
        composition,
        objects=tuple(
            made for made in composition.objects if not made.key.startswith(prefixes)
        ),
    )
