"""What every object of a Backstage instance has in common.

A runtime object is a frozen model of one Kubernetes object. It holds what it
is computed from, and computes: nothing here reads or writes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, TypeAlias

import msgspec

from backstage_op import api, config, errors
from backstage_op.document import Document, ObjectRef
from backstage_op.graph import Need

from . import base64_text

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
    LABELED = "labeled"
    """Applied like the others, and ours by its labels: it is in another namespace,
    where an owner reference is not possible."""
    CREATE_ONCE = "create-once"
    """Created if absent, never applied again: its content is not computable. Labels,
    owner and values that are missing are put back."""


class Instance(msgspec.Struct, frozen=True):
    """The ``Backstage`` that objects are computed for.

    ``labels`` and ``annotations`` are those that every object of it gets.
    """

    name: str
    namespace: str
    uid: str
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster is and offers.

    ``ingress_domain`` is the wildcard domain of an OpenShift cluster, empty
    elsewhere.
    """

    is_openshift: bool = False
    ingress_domain: str = ""

    @property
    def suffix(self) -> str:
        """The ending of platform patches in a configuration folder."""
        return "ocp" if self.is_openshift else "k8s"


class Source(msgspec.Struct, frozen=True):
    """A ConfigMap or Secret of the user that a specification names."""

    kind: str
    name: str


class SourceData(msgspec.Struct, frozen=True):
    """The content of a ConfigMap or Secret: key to bytes (Secrets decoded).

    Attributes:
        data: The entries.
        binary: Which of them are the ``binaryData`` of a ConfigMap.
        type: The type of a Secret.
    """

    data: Mapping[str, bytes]
    binary: frozenset[str] = frozenset()
    type: str = ""

    def __repr__(self) -> str:
        return f"SourceData({', '.join(sorted(self.data))})"

    @classmethod
    def of(cls, document: Document) -> SourceData:
        """Return the content of a ConfigMap, or of a Secret as it is stored.

        Raises:
            binascii.Error: a value that the API server would not store.
            ValueError: likewise.
        """
        text: Mapping[str, str] = document.get("data") or {}
        if document["kind"] == "Secret":
            return cls(
                {key: base64_text.decoded(value) for key, value in text.items()},
                type=document.get("type") or "",
            )
        binary: Mapping[str, str] = document.get("binaryData") or {}
        return cls(
            {key: value.encode() for key, value in text.items()}
            | {key: base64_text.decoded(value) for key, value in binary.items()},
            binary=frozenset(binary),
        )


class Images(msgspec.Struct, frozen=True):
    """Images that replace those of the configuration (``RELATED_IMAGE_*``).

    ``plugin_installer`` is given the packages of the plugins; if it is empty,
    the init container of the configuration is given the list of plugins.
    ``catalog_index`` is the image with the catalog of plugins.
    """

    backstage: str = ""
    postgresql: str = ""
    plugin_installer: str = ""
    catalog_index: str = ""


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """The proxy to what is outside of the cluster. Its address may hold a password.

    ``no_proxy`` is a comma list of what is reached without it.
    """

    http: str = ""
    https: str = ""
    no_proxy: str = ""

    def __repr__(self) -> str:
        return "Proxy(...)"


class LiveWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """What the portal's workload carries.

    Attributes:
        service_name: The headless Service that a StatefulSet names, which cannot be
            changed; empty is none. None for a Deployment.
        checksum: The digest on its pods.
        noted_checksum: Our own digest as it was at the takeover from the Go
            operator, if that one's is still kept.
    """

    service_name: str | None = None
    checksum: str = ""
    noted_checksum: str = ""


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one reconcile read, before anything is computed.

    Attributes:
        backstage: The custom resource.
        default: The operator-level configuration.
        platform: What the cluster is.
        sources: What each referenced ConfigMap or Secret holds; None is absent.
        claims: Names of the referenced claims that exist.
        images: Replacements of images.
        live_workload: What the portal's workload carries; None if it is absent.
        database_password: Used if the database Secret does not exist yet.
        backend_secret: Used if there is no Secret for the backend yet.
        proxy: What the portal's containers reach the outside through.
        checksum_key: Key of the digest over what is mounted or injected.
        withheld: Objects of ours that must not be read, and why. What is above is
            not theirs, so neither they nor what needs them may be written.
        allow_privileged_patches: An administrator lets patches ask for what a
            namespace's policy usually refuses.
    """

    backstage: api.Backstage
    default: config.DefaultConfig
    platform: Platform
    sources: Mapping[Source, SourceData | None]
    claims: frozenset[str]
    images: Images = Images()
    live_workload: LiveWorkload | None = None
    database_password: str
    backend_secret: str = ""
    proxy: Proxy = Proxy()
    checksum_key: bytes
    withheld: Mapping[ObjectRef, errors.ForbiddenError] = {}
    allow_privileged_patches: bool = False

    @property
    def workload_exists(self) -> bool:
        """Whether the portal has its workload, so that nothing is waited for."""
        return self.live_workload is not None


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
