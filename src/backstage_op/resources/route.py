"""The Route that exposes the portal on OpenShift."""

from __future__ import annotations

from typing import Final, final

from backstage_op import api
from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Kinds, RuntimeObject

KEY: Final = "route"
CONFIG_KEY: Final = "route.yaml"
KINDS: Final[Kinds] = (("route.openshift.io/v1", "Route"),)


@final
class AppRoute(RuntimeObject, frozen=True, kw_only=True):
    """The Route of the portal. TLS always ends at the router."""

    manifest: Document
    route: api.Route

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Route."""
        name = naming.app_name(self.instance.name)
        return ObjectRef(
            "route.openshift.io/v1", "Route", self.instance.namespace, name
        )

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
