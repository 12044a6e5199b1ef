"""The outer shapes of the manifests that make the portal reachable, or not."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Texts: TypeAlias = dict[str, str | None] | None
"""Labels, data and the like; a null is a place holder."""


class Metadata(msgspec.Struct, rename="camel"):
    """What every object has."""

    name: str | None = None
    namespace: str | None = None
    labels: Texts = None
    annotations: Texts = None


class _Port(msgspec.Struct):
    port: int
    name: str | None = None


class _ServiceSpec(msgspec.Struct):
    selector: Texts = None
    ports: list[_Port] | None = None


class Service(msgspec.Struct):
    """A Service."""

    spec: _ServiceSpec | None = None
    metadata: Metadata | None = None


class _BackendService(msgspec.Struct):
    name: str | None = None


class _Backend(msgspec.Struct):
    service: _BackendService | None = None


class _Path(msgspec.Struct):
    backend: _Backend | None = None


class _Http(msgspec.Struct):
    paths: list[_Path] | None = None


class _IngressRule(msgspec.Struct):
    host: str | None = None
    http: _Http | None = None


class _IngressTls(msgspec.Struct):
    hosts: list[str] | None = None


class _IngressSpec(msgspec.Struct, rename="camel"):
    default_backend: _Backend | None = None
    rules: list[_IngressRule] | None = None
    tls: list[_IngressTls] | None = None


class Ingress(msgspec.Struct):
    """An Ingress."""

    spec: _IngressSpec | None = None
    metadata: Metadata | None = None


class _Reference(msgspec.Struct):
    name: str | None = None
    kind: str | None = None


class _HttpRule(msgspec.Struct, rename="camel"):
    backend_refs: list[_Reference] | None = None


class _HttpRouteSpec(msgspec.Struct, rename="camel"):
    parent_refs: list[dict[str, Any]] | None = None
    hostnames: list[str] | None = None
    rules: list[_HttpRule] | None = None


class HttpRoute(msgspec.Struct):
    """An HTTPRoute."""

    spec: _HttpRouteSpec | None = None
    metadata: Metadata | None = None


class _Selector(msgspec.Struct, rename="camel"):
    match_labels: Texts = None


class _Peer(msgspec.Struct, rename="camel"):
    pod_selector: _Selector | None = None


class _IngressFrom(msgspec.Struct):
    from_: list[_Peer] | None = msgspec.field(name="from", default=None)


class _EgressTo(msgspec.Struct):
    to: list[_Peer] | None = None


class _PolicySpec(msgspec.Struct, rename="camel"):
    pod_selector: _Selector | None = None
    ingress: list[_IngressFrom] | None = None
    egress: list[_EgressTo] | None = None


class NetworkPolicy(msgspec.Struct):
    """A NetworkPolicy."""

    spec: _PolicySpec | None = None
    metadata: Metadata | None = None
