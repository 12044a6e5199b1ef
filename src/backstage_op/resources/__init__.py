"""What each object of a Backstage instance should be.

Pure: nothing here reads or writes anything. What one kind adds to the pod of
another travels as a contribution, and the catalog names all of them; only the
workload knows those that it is made of.
"""

from .base import (
    Images,
    Inputs,
    Instance,
    Lifecycle,
    LiveWorkload,
    Platform,
    Proxy,
    Readiness,
    RuntimeObject,
    Source,
    SourceData,
)
from .catalog import (
    WORKLOAD_KEY,
    Composition,
    compose,
)
from .checksum import checksum_key_ref, read_checksum_key
from .database import SECRET_KEY as DATABASE_SECRET_KEY
from .database import STATEFUL_SET_KEY as DATABASE_KEY
from .database import claim_ref as database_claim_ref
from .database import read_password
from .database import secret_ref as database_secret_ref
from .database import stateful_set_ref as database_ref
from .explain import explain
from .live_workload import read_live_workload
from .naming import (
    APP_LABEL,
    OWNED_SELECTOR,
    carries_distant_labels_of,
    carries_labels_of,
    database_label,
    instance_name_of,
    opts_out,
    pod_labels,
)
from .pods import (
    Ailment,
    Pod,
    ReplicaSet,
    ailments_of,
    revision_of,
    without_values,
)
from .postgresql import MAJOR as POSTGRESQL_MAJOR
from .postgresql import postgresql_major
from .references import References, references_of
from .rollout import FAILED as FAILED_ROLLOUT
from .rollout import available_replicas, wanted_replicas
from .rollout import readiness_of as workload_readiness
from .scope import deprecated_fields, instance_of, is_idled, retains
from .unread import hides_layers, without_guesses
from .workload import workload_ref

__all__ = [
    "APP_LABEL",
    "DATABASE_KEY",
    "DATABASE_SECRET_KEY",
    "FAILED_ROLLOUT",
    "OWNED_SELECTOR",
    "POSTGRESQL_MAJOR",
    "WORKLOAD_KEY",
    "Ailment",
    "Composition",
    "Images",
    "Inputs",
    "Instance",
    "Lifecycle",
    "LiveWorkload",
    "Platform",
    "Pod",
    "Proxy",
    "Readiness",
    "References",
    "ReplicaSet",
    "RuntimeObject",
    "Source",
    "SourceData",
    "ailments_of",
    "available_replicas",
    "carries_distant_labels_of",
    "carries_labels_of",
    "checksum_key_ref",
    "compose",
    "database_claim_ref",
    "database_label",
    "database_ref",
    "database_secret_ref",
    "deprecated_fields",
    "explain",
    "hides_layers",
    "instance_name_of",
    "instance_of",
    "is_idled",
    "opts_out",
    "pod_labels",
    "postgresql_major",
    "read_checksum_key",
    "read_live_workload",
    "read_password",
    "references_of",
    "retains",
    "revision_of",
    "wanted_replicas",
    "without_guesses",
    "without_values",
    "workload_readiness",
    "workload_ref",
]
