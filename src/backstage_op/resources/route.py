"""The Route that exposes the portal on OpenShift."""

from __future__ import annotations

from typing import ClassVar, Final, final

from backstage_op import api
from backstage_op.document import Document

from . import exposing, naming
from .base import Kinds

KEY: Final = "route"
CONFIG_KEY: Final = "route.yaml"
KINDS: Final[Kinds] = (("route.openshift.io/v1", "Route"),)


@final
class AppRoute(exposing.ExposingObject, frozen=True, kw_only=True):
    """The Route of the portal. TLS always ends at the router."""

    kinds: ClassVar[Kinds] = KINDS

    route: api.Route

    def desired(self) -> Document:
        """Return the Route to the Service, with what the specification says."""
        document = naming.stamped(self.manifest, self.instance, self.ref.name)
        spec = document.setdefault("spec", {})
        spec["to"] = (spec.get("to") or {}) | {
            "kind": "Service",
            "name": naming.service_name(self.instance.name),
        }
        if self.route.host:
            spec["host"] = self.route.host
        if self.route.subdomain:
            spec["subdomain"] = self.route.subdomain
        if tls := self._tls():
            spec["tls"] = (spec.get("tls") or {"termination": "edge"}) | tls
        return document

    def _tls(self) -> Document:
        tls = self.route.tls
        fields: Document = {
            "certificate": tls.certificate,
            "key": tls.key,
            "caCertificate": tls.ca_certificate,
        }
        if tls.external_certificate_secret_name:
            fields["externalCertificate"] = {
                "name": tls.external_certificate_secret_name
            }
        return {field: value for field, value in fields.items() if value}
