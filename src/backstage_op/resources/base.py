"""What every object of a Backstage instance has in common.

A runtime object is a frozen model of one Kubernetes object. It holds what it
is computed from, and computes: nothing here reads or writes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, TypeAlias

import msgspec

from backstage_op import api, config
from backstage_op.document import Document, ObjectRef
from backstage_op.graph import Need

Kinds: TypeAlias = tuple[tuple[str, str], ...]
"""The ``(apiVersion, kind)`` pairs that a configuration key may hold."""


class Readiness(msgspec.Struct, frozen=True):
    """Whether a live object does its job, and if not, why."""

    ready: bool
    reason: str = ""
    message: str = ""


READY = Readiness(ready=True)


class Lifecycle(StrEnum):
    """How the operator treats an object that exists already."""

    APPLY = "apply"
    """Server-side apply; drift is healed."""
    CREATE_ONCE = "create-once"
    """Created if absent, never written again: its content is not computable."""


class Instance(msgspec.Struct, frozen=True):
    """The ``Backstage`` that objects are computed for."""

    name: str
    namespace: str
    uid: str


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster is and offers.

    ``ingress_domain`` is the wildcard domain of an OpenShift cluster, empty
    elsewhere. ``api_groups`` are the names of the groups that are served.
    """

    is_openshift: bool = False
    ingress_domain: str = ""
    api_groups: frozenset[str] = frozenset()

    @property
    def suffix(self) -> str:
        """The ending of platform patches in a configuration folder."""
        return "ocp" if self.is_openshift else "k8s"


class Source(msgspec.Struct, frozen=True):
    """A ConfigMap or Secret of the user that a specification names."""

    kind: str
    name: str


class SourceData(msgspec.Struct, frozen=True):
    """The content of a ConfigMap or Secret: key to bytes (Secrets decoded)."""

    data: Mapping[str, bytes]


class Images(msgspec.Struct, frozen=True):
    """Images that replace those of the configuration (``RELATED_IMAGE_*``)."""

    backstage: str = ""
    postgresql: str = ""


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one reconcile read, before anything is computed.

    Attributes:
        backstage: The custom resource.
        default: The operator-level configuration.
        platform: What the cluster is.
        sources: What each referenced ConfigMap or Secret holds; None is absent.
        claims: Names of the referenced claims that exist.
        images: Replacements of images.
        workload_exists: The Deployment is there already, so that the database
            is not waited for.
        database_password: Used if the database Secret does not exist yet.
        checksum_key: Key of the digest over what is mounted or injected.
    """

    backstage: api.Backstage
    default: config.DefaultConfig
    platform: Platform
    sources: Mapping[Source, SourceData | None]
    claims: frozenset[str]
    images: Images = Images()
    workload_exists: bool = False
    database_password: str
    checksum_key: bytes


class RuntimeObject(msgspec.Struct, frozen=True, kw_only=True):
    """One Kubernetes object of an instance.

    ``key`` names it in the graph: the key of the configuration it comes from,
    and the name of the configured object where one key holds several
    (``app-config/base``).
    """

    lifecycle: ClassVar[Lifecycle] = Lifecycle.APPLY

    key: str
    instance: Instance
    needs: tuple[Need, ...] = ()

    @property
    def ref(self) -> ObjectRef:
        """The identity of the object."""
        raise NotImplementedError

    def desired(self) -> Document:
        """Return the object as it is to be applied.

        Raises:
            errors.ConfigError: the configuration cannot be turned into it.
        """
        raise NotImplementedError

    def ready(self, live: Document) -> Readiness:
        """Judge the object as the API server has it. Ready, unless overridden."""
        return READY
