"""The custom resource: its models, its conditions, its schema.

Nothing here reads or writes anything. The other packages take the models from
here; only tests and the command line need the modules below.
"""

from .conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    Reason,
    set_condition,
)
from .decoding import decode
from .references import ClaimRef, EnvObjectRef, EnvVar, FileObjectRef, Flavour
from .v1alpha5 import (
    API_VERSION,
    DEFAULT_MOUNT_PATH,
    GROUP,
    KIND,
    VERSION,
    AppConfig,
    Application,
    Backstage,
    BackstageSpec,
    BackstageStatus,
    Database,
    DeploymentSpec,
    ExtraEnvs,
    ExtraFiles,
    Metadata,
    Monitoring,
    RawRuntimeConfig,
    Route,
    RouteTls,
)

__all__ = [
    "API_VERSION",
    "DEFAULT_MOUNT_PATH",
    "GROUP",
    "KIND",
    "VERSION",
    "AppConfig",
    "Application",
    "Backstage",
    "BackstageSpec",
    "BackstageStatus",
    "ClaimRef",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "Database",
    "DeploymentSpec",
    "EnvObjectRef",
    "EnvVar",
    "ExtraEnvs",
    "ExtraFiles",
    "FileObjectRef",
    "Flavour",
    "Metadata",
    "Monitoring",
    "RawRuntimeConfig",
    "Reason",
    "Route",
    "RouteTls",
    "decode",
    "set_condition",
]
