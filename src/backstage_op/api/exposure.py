"""How Backstage is reached from outside: Route, Ingress, HTTPRoute."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from . import rules
from .references import TEXT_MAP, ObjectName, OptionalName, SpecStruct

_MAX_PEM_CHARACTERS: Final = 65536
_MAX_PARENTS: Final = 32
_MAX_HOSTNAMES: Final = 16


class RouteTls(SpecStruct, frozen=True, kw_only=True):
    """Certificate of the Route, which ends TLS at the router (edge)."""

    certificate: Annotated[
        str,
        Meta(
            description="Serving certificate, PEM. Default: the router's own.",
            max_length=_MAX_PEM_CHARACTERS,
        ),
    ] = ""
    external_certificate_secret_name: Annotated[
        OptionalName,
        Meta(
            description="Name of a Secret of type kubernetes.io/tls with the "
            "certificate, instead of certificate and key. Needs a cluster that "
            "supports external certificates of Routes."
        ),
    ] = ""
    key: Annotated[
        str,
        Meta(
            description="Private key of the certificate, PEM. Everyone who may read "
            "this resource can read it: prefer externalCertificateSecretName.",
            max_length=_MAX_PEM_CHARACTERS,
        ),
    ] = ""
    ca_certificate: Annotated[
        str,
        Meta(
            description="Certificates of the issuing authorities, PEM.",
            max_length=_MAX_PEM_CHARACTERS,
        ),
    ] = ""


class Route(SpecStruct, frozen=True, kw_only=True):
    """The OpenShift Route to Backstage. Ignored where there are no Routes."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether there is a Route. Default: true.",
            extra={"schema": {"default": True}},
        ),
    ] = True
    host: Annotated[
        Annotated[str, rules.HOST.meta()],
        Meta(
            description="Full host name. Default: chosen by the router. Wins over "
            "subdomain."
        ),
    ] = ""
    subdomain: Annotated[
        Annotated[str, rules.HOST.meta()],
        Meta(
            description="First part of the host name; the router appends its domain. "
            "Default: chosen by the router."
        ),
    ] = ""
    tls: Annotated[
        RouteTls,
        Meta(
            description="Certificate of the Route. Default: the router's own.",
            extra={
                "validations": [
                    {
                        "rule": "!(has(self.certificate) && self.certificate != '' && "
                        "has(self.externalCertificateSecretName) && "
                        "self.externalCertificateSecretName != '')",
                        "message": "certificate and externalCertificateSecretName "
                        "exclude one another: remove one",
                    }
                ]
            },
        ),
    ] = RouteTls()


class IngressTls(SpecStruct, frozen=True, kw_only=True):
    """TLS of the Ingress."""

    enabled: (
        Annotated[
            bool,
            Meta(
                description="Whether the host is served over TLS. Default: true if "
                "secretName is set."
            ),
        ]
        | None
    ) = None
    secret_name: Annotated[
        OptionalName,
        Meta(
            description="Name of a Secret of type kubernetes.io/tls. It need not exist "
            "yet: cert-manager makes it, for example. Default: the certificate of the "
            "ingress controller."
        ),
    ] = ""


class Ingress(SpecStruct, frozen=True, kw_only=True):
    """The Ingress to Backstage."""

    enabled: (
        Annotated[
            bool,
            Meta(
                description="Whether there is an Ingress. Default: true if host is "
                "set, or if the configuration has a manifest ingress.yaml."
            ),
        ]
        | None
    ) = None
    class_name: Annotated[
        OptionalName,
        Meta(
            description="Name of the IngressClass. Default: that of the manifest, else "
            "the default class of the cluster."
        ),
    ] = ""
    host: Annotated[
        Annotated[str, rules.INGRESS_HOST.meta()],
        Meta(description="Host name. Default: the first host of the manifest."),
    ] = ""
    annotations: Annotated[
        dict[str, str],
        Meta(
            description="Annotations of the Ingress, such as "
            "cert-manager.io/cluster-issuer.",
            extra={"schema": TEXT_MAP},
        ),
    ] = msgspec.field(default_factory=dict)
    tls: Annotated[IngressTls, Meta(description="TLS of the host. Default: none.")] = (
        IngressTls()
    )


class ParentRef(SpecStruct, frozen=True, kw_only=True):
    """A Gateway that an HTTPRoute attaches to."""

    name: Annotated[ObjectName, Meta(description="Name of the Gateway.")]
    namespace: Annotated[
        OptionalName,
        Meta(description="Namespace of the Gateway. Default: that of the resource."),
    ] = ""
    section_name: Annotated[
        OptionalName,
        Meta(description="Listener of the Gateway. Default: all that fit."),
    ] = ""
    port: (
        Annotated[
            int,
            Meta(
                description="Port of the Gateway. Default: all that fit.",
                ge=1,
                le=65535,
                extra={"schema": {"format": "int32"}},
            ),
        ]
        | None
    ) = None


class HttpRoute(SpecStruct, frozen=True, kw_only=True):
    """The HTTPRoute of the Gateway API to Backstage."""

    enabled: (
        Annotated[
            bool,
            Meta(
                description="Whether there is an HTTPRoute. Default: true if "
                "parentRefs is set, or if the configuration has a manifest "
                "httproute.yaml."
            ),
        ]
        | None
    ) = None
    parent_refs: Annotated[
        tuple[ParentRef, ...],
        Meta(
            description="Gateways to attach to. Default: those of the manifest.",
            max_length=_MAX_PARENTS,
        ),
    ] = ()
    hostnames: Annotated[
        tuple[Annotated[str, rules.ROUTE_HOST.meta()], ...],
        Meta(
            description="Host names. The first without a wildcard makes the base URL. "
            "Default: those of the manifest.",
            max_length=_MAX_HOSTNAMES,
        ),
    ] = ()
    annotations: Annotated[
        dict[str, str],
        Meta(
            description="Annotations of the HTTPRoute.",
            extra={"schema": TEXT_MAP},
        ),
    ] = msgspec.field(default_factory=dict)
