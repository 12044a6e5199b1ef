"""The custom resource: its models, its conditions, its schema.

Nothing here reads or writes anything. The other packages take the models from
here; only tests and the command line need the modules below.
"""

from .application import (
    DEFAULT_MOUNT_PATH,
    AppConfig,
    Application,
    ExtraEnvs,
    ExtraFiles,
)
from .conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    Reason,
    set_conditions,
)
from .database import (
    CertificateAuthority,
    Database,
    ExternalDatabase,
    LocalDatabase,
    LocalStorage,
)
from .decoding import decode
from .exposure import HttpRoute, Ingress, IngressTls, ParentRef, Route, RouteTls
from .references import ClaimRef, EnvObjectRef, EnvVar, FileObjectRef, Flavour
from .v1alpha5 import (
    API_VERSION,
    GROUP,
    KIND,
    VERSION,
    Backstage,
    BackstageSpec,
    BackstageStatus,
    CommonMetadata,
    DeploymentSpec,
    Metadata,
    Monitoring,
    NetworkPolicies,
    RawRuntimeConfig,
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
    "CertificateAuthority",
    "ClaimRef",
    "CommonMetadata",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "Database",
    "DeploymentSpec",
    "EnvObjectRef",
    "EnvVar",
    "ExternalDatabase",
    "ExtraEnvs",
    "ExtraFiles",
    "FileObjectRef",
    "Flavour",
    "HttpRoute",
    "Ingress",
    "IngressTls",
    "LocalDatabase",
    "LocalStorage",
    "Metadata",
    "Monitoring",
    "NetworkPolicies",
    "ParentRef",
    "RawRuntimeConfig",
    "Reason",
    "Route",
    "RouteTls",
    "decode",
    "set_conditions",
]
