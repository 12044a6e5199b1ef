"""Where values come from: default configuration, flavours, raw configuration.

Pure: texts and folders in, plain objects out. It knows the layers and how they
merge; what an object means and how it reaches the cluster is not known here.
"""

from . import flavours, manifests, plugins
from .defaults import PROFILES, DefaultConfig, Flavour
from .layers import KEYS, Layered, Layers, resolve
from .merge import ListMode, merge

__all__ = [
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
    "plugins",
    "resolve",
]
