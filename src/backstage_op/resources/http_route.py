"""The HTTPRoute of the Gateway API that exposes the portal."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

import msgspec

from backstage_op import api, errors
from backstage_op.document import Document

from . import exposing, naming
from .backend_ref import BackendRef
from .base import Kinds

KEY: Final = "httproute"
CONFIG_KEY: Final = "httproute.yaml"
KINDS: Final[Kinds] = (("gateway.networking.k8s.io/v1", "HTTPRoute"),)
PATH: Final = "spec.application.httpRoute"


def is_wanted(spec: api.HttpRoute, *, has_manifest: bool) -> bool:
    """Tell whether there is to be an HTTPRoute."""
    is_described = bool(spec.parent_refs) or has_manifest
    return exposing.is_wanted(spec.enabled, is_described=is_described)


@final
class AppHttpRoute(exposing.ExposingObject, frozen=True, kw_only=True):
    """The HTTPRoute of the portal.

    ``backend`` is the Service that it leads to.
    """

    kinds: ClassVar[Kinds] = KINDS

    route: api.HttpRoute
    backend: BackendRef

    def desired(self) -> Document:
        """Return the HTTPRoute to the Service, with what the specification says.

        Raises:
            errors.SpecError: it would attach to no Gateway.
        """
        document = naming.stamped(
            self.manifest,
            self.instance,
            self.ref.name,
            annotations=self.route.annotations,
        )
        spec = document.setdefault("spec", {})
        if self.route.parent_refs:
            spec["parentRefs"] = list(msgspec.to_builtins(self.route.parent_refs))
        if not spec.get("parentRefs"):
            raise errors.SpecError(
                f"{PATH}.parentRefs",
                "empty, and no manifest httproute.yaml names one; name the Gateway",
            )
        if self.route.hostnames:
            spec["hostnames"] = list(self.route.hostnames)
        self._lead_to_the_service(spec)
        return document

    @property
    def url(self) -> str:
        """The address of the HTTPRoute, empty if it names no single host.

        It is taken for secure: whether the Gateway's listener is, another object
        says.
        """
        hostnames = self.route.hostnames or (self.manifest.get("spec") or {}).get(
            "hostnames"
        )
        host = next((name for name in hostnames or () if "*" not in name), "")
        return f"https://{host}" if host else ""

    def _lead_to_the_service(self, spec: Document) -> None:
        rules: list[Any] = spec.get("rules") or [{"backendRefs": [{}]}]
        spec["rules"] = rules
        # A rule without any reference may redirect, and stays as it is.
        for rule in rules:
            for reference in rule.get("backendRefs") or ():
                is_service = reference.get("kind", "Service") == "Service"
                if is_service and self.backend.is_meant_by(reference.get("name")):
                    reference["name"] = self.backend.name
                    reference.setdefault("port", self.backend.port)
