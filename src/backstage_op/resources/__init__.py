"""What each object of a Backstage instance should be.

Pure: nothing here reads or writes anything. Kinds never import one another;
what one adds to the pod of another travels as a contribution, and the catalog
names all of them.
"""

from .base import (
    Images,
    Inputs,
    Instance,
    Lifecycle,
    Platform,
    Readiness,
    RuntimeObject,
    Source,
    SourceData,
)
from .catalog import (
    WORKLOAD_KEY,
    Composition,
    compose,
    instance_of,
    is_idled,
)
from .checksum import checksum_key_ref, read_checksum_key
from .deployment import workload_ref
from .naming import OWNED_SELECTOR, carries_labels_of, instance_name_of
from .references import References, references_of

__all__ = [
    "OWNED_SELECTOR",
    "WORKLOAD_KEY",
    "Composition",
    "Images",
    "Inputs",
    "Instance",
    "Lifecycle",
    "Platform",
    "Readiness",
    "References",
    "RuntimeObject",
    "Source",
    "SourceData",
    "carries_labels_of",
    "checksum_key_ref",
    "compose",
    "instance_name_of",
    "instance_of",
    "is_idled",
    "read_checksum_key",
    "references_of",
    "workload_ref",
]
