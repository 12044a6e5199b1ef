"""Where values come from: layers of configuration, and how they combine.

Texts in, JSON trees out. Nothing here speaks to an API server, or knows what
an object is for; only a configuration folder is read, once.
"""

from . import layers, manifests, plugins
from .defaults import PROFILES, DefaultConfig, Flavour
from .flavours import select
from .layers import Layered, Layers, RawConfig
from .merge import ListMode, merge

__all__ = [
    "PROFILES",
    "DefaultConfig",
    "Flavour",
    "Layered",
    "Layers",
    "ListMode",
    "RawConfig",
    "layers",
    "manifests",
    "merge",
    "plugins",
    "select",
]
