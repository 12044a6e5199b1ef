"""The custom resource ``Backstage``, version v1alpha5, as the operator reads it.

The fields are those of the Go operator's v1alpha5, those that only its
v1alpha4 has (``replicas``, ``image``, ``imagePullSecrets``) and
``dynamicPlugins``. A part that is absent equals an empty one, so readers need
no checks for None. Descriptions here are those of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from . import rules
from .application import Application
from .conditions import Condition
from .database import Database
from .references import TEXT_MAP, Flavour, OptionalName, SpecStruct

GROUP: Final = "rhdh.redhat.com"
VERSION: Final = "v1alpha5"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "Backstage"

_MAX_FLAVOURS: Final = 64
_MAX_CONDITIONS: Final = 32


class RawRuntimeConfig(SpecStruct, frozen=True, kw_only=True):
    """Manifests that replace those of the default configuration."""

    backstage_config: Annotated[
        OptionalName,
        Meta(
            description="Name of a ConfigMap whose keys (deployment.yaml, "
            "service.yaml, …) replace the manifests of Backstage. Default: none."
        ),
    ] = ""
    local_db_config: Annotated[
        OptionalName,
        Meta(
            description="Name of a ConfigMap whose keys (db-statefulset.yaml, "
            "db-service.yaml, …) replace the manifests of the database. Default: none."
        ),
    ] = ""


class Monitoring(SpecStruct, frozen=True, kw_only=True):
    """Metrics."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether there is a ServiceMonitor, so that Prometheus "
            "reads the metrics. Default: false.",
            extra={"schema": {"default": False}},
        ),
    ] = False
    interval: Annotated[
        Annotated[str, rules.DURATION.meta()],
        Meta(
            description="How often metrics are read, such as 30s. Default: that of "
            "Prometheus."
        ),
    ] = ""
    labels: Annotated[
        dict[str, str],
        Meta(
            description="Labels of the ServiceMonitor, by which Prometheus selects it.",
            extra={"schema": TEXT_MAP},
        ),
    ] = msgspec.field(default_factory=dict)


class NetworkPolicies(SpecStruct, frozen=True, kw_only=True):
    """Network policies of the configuration."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether the policies of networkpolicy.yaml are made. "
            "Default: true.",
        ),
    ] = True


class CommonMetadata(SpecStruct, frozen=True, kw_only=True):
    """Labels and annotations for every object that is made."""

    labels: Annotated[
        dict[str, str],
        Meta(
            description="Labels, also of the pods (which restarts them). They replace "
            "none that the operator sets.",
            extra={"schema": TEXT_MAP},
        ),
    ] = msgspec.field(default_factory=dict)
    annotations: Annotated[
        dict[str, str],
        Meta(
            description="Annotations. They replace none that the operator sets.",
            extra={"schema": TEXT_MAP},
        ),
    ] = msgspec.field(default_factory=dict)


class DeploymentSpec(SpecStruct, frozen=True, kw_only=True):
    """The workload that runs Backstage."""

    patch: Annotated[
        dict[str, Any],
        Meta(
            description="Fragment of a Deployment (or StatefulSet) that is merged "
            "into the manifest, by the rules of a strategic merge patch.",
        ),
    ] = msgspec.field(default_factory=dict)
    kind: Annotated[
        Literal["Deployment", "StatefulSet"],
        Meta(
            description="Kind of the workload: Deployment or StatefulSet. "
            "Default: Deployment."
        ),
    ] = "Deployment"


class BackstageSpec(SpecStruct, frozen=True, kw_only=True):
    """What the user wants."""

    application: Annotated[
        Application, Meta(description="What Backstage runs with.")
    ] = Application()
    database: Annotated[
        Database,
        Meta(
            description="The database.",
            extra={
                "validations": [
                    {
                        "rule": "!has(self.external) || "
                        "(has(self.enableLocalDb) && !self.enableLocalDb) || "
                        "!((has(self.external.sslMode) && self.external.sslMode != '')"
                        " || (has(self.external.ca) && "
                        "((has(self.external.ca.configMapName) && "
                        "self.external.ca.configMapName != '') || "
                        "(has(self.external.ca.secretName) && "
                        "self.external.ca.secretName != ''))))",
                        "message": "external is about a database of your own: set "
                        "enableLocalDb to false, or remove external",
                    }
                ]
            },
        ),
    ] = Database()
    deployment: Annotated[
        DeploymentSpec, Meta(description="The workload that runs Backstage.")
    ] = DeploymentSpec()
    flavours: (
        Annotated[
            tuple[Flavour, ...],
            Meta(
                description="Prepared extensions of the default configuration, merged "
                "in this order. Absent: those that are on by default. An empty list: "
                "none. A list: changes to those that are on by default, by name.",
                max_length=_MAX_FLAVOURS,
            ),
        ]
        | None
    ) = None
    monitoring: Annotated[
        Monitoring,
        Meta(description="Metrics.", extra={"schema": {"default": {"enabled": False}}}),
    ] = Monitoring()
    network_policies: Annotated[
        NetworkPolicies, Meta(description="Network policies of the configuration.")
    ] = NetworkPolicies()
    common_metadata: Annotated[
        CommonMetadata,
        Meta(description="Labels and annotations for every object that is made."),
    ] = CommonMetadata()
    deletion_policy: Annotated[
        Literal["Retain", "Delete"],
        Meta(
            description="What happens to the claim and the generated password of the "
            "local database, and to claims of the configuration, when they are no "
            "longer wanted or the resource is deleted: Retain keeps them, Delete "
            "deletes them. Default: Retain.",
        ),
    ] = "Retain"
    raw_runtime_config: Annotated[
        RawRuntimeConfig,
        Meta(
            description="Manifests that replace those of the default configuration. "
            "For what no other field can express."
        ),
    ] = RawRuntimeConfig()


class BackstageStatus(SpecStruct, frozen=True, kw_only=True):
    """What the operator has seen and done."""

    conditions: Annotated[
        tuple[Condition, ...],
        Meta(
            description="The state, aspect by aspect.",
            max_length=_MAX_CONDITIONS,
            extra={
                "schema": {
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                }
            },
        ),
    ] = ()
    observed_generation: Annotated[
        int,
        Meta(
            description="The metadata.generation that the status was computed for.",
            ge=0,
        ),
    ] = 0
    url: Annotated[
        str,
        Meta(
            description="Address of Backstage from outside the cluster. Empty if the "
            "operator does not know one.",
            max_length=2048,
        ),
    ] = ""


class Metadata(SpecStruct, frozen=True, kw_only=True):
    """The metadata that the operator reads; a partial view."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    deletion_timestamp: datetime | None = None


class Backstage(SpecStruct, frozen=True, kw_only=True):
    """An instance of Backstage, with its database, configured by this resource."""

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: Metadata = Metadata()
    spec: Annotated[BackstageSpec, Meta(description="What you want.")] = BackstageSpec()
    status: Annotated[
        BackstageStatus, Meta(description="What the operator has seen and done.")
    ] = BackstageStatus()
