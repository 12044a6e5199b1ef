"""Where values come from: default configuration, flavours, raw configuration.

Pure: texts and folders in, plain objects out. It knows the layers and how they
merge; what an object means and how it reaches the cluster is not known here.
"""

from . import (
    flavours,
    manifests,
    plugin_manifests,
    plugin_packages,
    plugin_references,
    plugins,
    shapes,
)
from .defaults import PROFILES, DefaultConfig, Flavour
from .layered import Layered
from .layers import ADDED_BY_FLAVOURS, KEYS, Layers, resolve
from .merge import ListMode, merge

__all__ = [
    "ADDED_BY_FLAVOURS",
    "KEYS",
    "PROFILES",
    "DefaultConfig",
    "Flavour",
    "Layered",
    "Layers",
    "ListMode",
    "flavours",
    "manifests",
    "merge",
    "plugin_manifests",
    "plugin_packages",
    "plugin_references",
    "plugins",
    "resolve",
    "shapes",
]
