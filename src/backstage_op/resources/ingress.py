"""The Ingress that exposes the portal outside of OpenShift."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final, final

from backstage_op import api
from backstage_op.document import Document

from . import exposing, naming
from .backend_ref import BackendRef
from .base import Kinds

KEY: Final = "ingress"
CONFIG_KEY: Final = "ingress.yaml"
KINDS: Final[Kinds] = (("networking.k8s.io/v1", "Ingress"),)


def is_wanted(spec: api.Ingress, *, has_manifest: bool) -> bool:
    """Tell whether there is to be an Ingress."""
    is_described = bool(spec.host) or has_manifest
    return exposing.is_wanted(spec.enabled, is_described=is_described)


@final
class AppIngress(exposing.ExposingObject, frozen=True, kw_only=True):
    """The Ingress of the portal.

    ``backend`` is the Service that it leads to.
    """

    kinds: ClassVar[Kinds] = KINDS

    ingress: api.Ingress
    backend: BackendRef

    def desired(self) -> Document:
        """Return the Ingress to the Service, with what the specification says."""
        document = naming.stamped(
            self.manifest,
            self.instance,
            self.ref.name,
            annotations=self.ingress.annotations,
        )
        spec = document.setdefault("spec", {})
        if self.ingress.class_name:
            spec["ingressClassName"] = self.ingress.class_name
        before = _first_host(spec)
        if self.ingress.host and before:
            _rename_host(spec, before, self.ingress.host)
        rules = spec.setdefault("rules", []) or [{}]
        spec["rules"] = rules
        if self.ingress.host:
            rules[0]["host"] = self.ingress.host
        self._lead_to_the_service(spec)
        self._secure(spec, _first_host(spec))
        return document

    @property
    def url(self) -> str:
        """The address of the Ingress, empty if it names no single host."""
        document = self.desired()
        host = _first_host(document["spec"])
        if not host or "*" in host:
            return ""
        entries = document["spec"].get("tls") or []
        is_secure = any(host in (entry.get("hosts") or [host]) for entry in entries)
        return f"{'https' if is_secure else 'http'}://{host}"

    def _lead_to_the_service(self, spec: Document) -> None:
        for rule in spec["rules"]:
            http = rule.setdefault("http", {})
            paths = http.setdefault("paths", []) or [{}]
            http["paths"] = paths
            for path in paths:
                path.setdefault("path", "/")
                path.setdefault("pathType", "Prefix")
                self._complete(path.setdefault("backend", {}))
        if "defaultBackend" in spec:
            self._complete(spec["defaultBackend"])

    def _complete(self, backend: Document) -> None:
        if "resource" in backend:
            return
        service = backend.setdefault("service", {})
        if self.backend.is_meant_by(service.get("name")):
            service["name"] = self.backend.name
            service.setdefault("port", {"number": self.backend.port})

    def _secure(self, spec: Document, host: str) -> None:
        tls = self.ingress.tls
        is_on = bool(tls.secret_name) if tls.enabled is None else tls.enabled
        entries: list[Document] = spec.get("tls") or []
        if tls.enabled is False:
            entries = list(_without(entries, host))
        elif is_on:
            entry = next((e for e in entries if host in (e.get("hosts") or [""])), None)
            if entry is None:
                entry = {"hosts": [host]} if host else {}
                entries.append(entry)
            if tls.secret_name:
                entry["secretName"] = tls.secret_name
        spec.pop("tls", None)
        if entries:
            spec["tls"] = entries


def _first_host(spec: Document) -> str:
    """Return the host of the first rule, empty for all hosts."""
    rules = spec.get("rules") or [{}]
    return str(rules[0].get("host") or "")


def _rename_host(spec: Document, old: str, new: str) -> None:
    for entry in spec.get("tls") or []:
        hosts: list[Any] = entry.get("hosts") or []
        entry["hosts"] = [new if host == old else host for host in hosts]


def _without(entries: list[Document], host: str) -> Iterator[Document]:
    """Yield TLS entries without a host; one that names no other is left out."""
    for entry in entries:
        hosts = [name for name in entry.get("hosts") or [] if name != host]
        if hosts:
            yield entry | {"hosts": hosts}
