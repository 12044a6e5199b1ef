"""What makes the portal reachable: its Service, and what leads to it from outside."""

from __future__ import annotations

from typing import final

import msgspec

from backstage_op import errors
from backstage_op.document import Document
from backstage_op.graph import Need

from . import (
    backend_ref,
    base_url,
    http_route,
    ingress,
    route,
    service,
    service_monitor,
)
from .base import Kinds, RuntimeObject
from .scope import Scope


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """How an instance is reached.

    Attributes:
        objects: The Service, then what needs it.
        url: The address from outside; empty if nothing exposes it, or its host is
            not known. A Route comes before an Ingress, that before an HTTPRoute.
    """

    objects: tuple[RuntimeObject, ...]
    url: str


def of(scope: Scope) -> Exposure:
    """Return how the instance is reached."""
    return _Building(scope).done()


@final
class _Building:
    """The objects as they are found, one after the other."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._spec = scope.inputs.backstage.spec
        self._objects: list[RuntimeObject] = []
        self._urls: list[str] = []
        self._needs: tuple[Need, ...] = ()
        self._backend = backend_ref.of(scope.instance, {})

    def done(self) -> Exposure:
        application = self._spec.application
        has_ingress = ingress.is_wanted(
            application.ingress,
            has_manifest=self._scope.layers.has(ingress.CONFIG_KEY),
        )
        has_http_route = http_route.is_wanted(
            application.http_route,
            has_manifest=self._scope.layers.has(http_route.CONFIG_KEY),
        )
        self._add_service(is_internal=has_ingress or has_http_route)
        self._add_route()
        if has_ingress:
            self._add_ingress()
        if has_http_route:
            self._add_http_route()
        if self._spec.monitoring.enabled:
            self._add_service_monitor()
        return Exposure(
            objects=tuple(self._objects),
            url=next((url for url in self._urls if url), ""),
        )

    def _add_service(self, *, is_internal: bool) -> None:
        with self._scope.collecting():
            layered = self._scope.layers.one(service.CONFIG_KEY, service.KINDS)
            if layered is None:
                raise errors.ManifestError(
                    self._scope.inputs.default.source,
                    service.CONFIG_KEY,
                    "missing; add the manifest of the portal's Service",
                )
            self._needs = (Need(service.KEY),)
            self._backend = backend_ref.of(self._scope.instance, layered.document)
            self._objects.append(
                service.AppService(
                    key=service.KEY,
                    instance=self._scope.instance,
                    manifest=layered.document,
                    # A user's own manifest says what the user wants.
                    is_internal=is_internal and layered.source == "default",
                )
            )

    def _add_route(self) -> None:
        spec = self._spec.application.route
        if not self._scope.inputs.platform.is_openshift or not spec.enabled:
            return
        with self._scope.collecting():
            layered = self._scope.layers.one(route.CONFIG_KEY, route.KINDS)
            if layered is None:
                return
            made = route.AppRoute(
                key=route.KEY,
                instance=self._scope.instance,
                manifest=layered.document,
                route=spec,
                needs=self._needs,
            )
            self._objects.append(made)
            self._urls.append(base_url.of_route(self._scope.inputs, made.instance))

    def _add_ingress(self) -> None:
        with self._scope.collecting():
            made = ingress.AppIngress(
                key=ingress.KEY,
                instance=self._scope.instance,
                manifest=self._manifest(ingress.CONFIG_KEY, ingress.KINDS),
                ingress=self._spec.application.ingress,
                backend=self._backend,
                needs=self._needs,
            )
            self._objects.append(made)
            self._urls.append(made.url)

    def _add_http_route(self) -> None:
        with self._scope.collecting():
            made = http_route.AppHttpRoute(
                key=http_route.KEY,
                instance=self._scope.instance,
                manifest=self._manifest(http_route.CONFIG_KEY, http_route.KINDS),
                route=self._spec.application.http_route,
                backend=self._backend,
                needs=self._needs,
            )
            self._objects.append(made)
            self._urls.append(made.url)

    def _add_service_monitor(self) -> None:
        self._objects.append(
            service_monitor.AppServiceMonitor(
                key=service_monitor.KEY,
                instance=self._scope.instance,
                monitoring=self._spec.monitoring,
                needs=self._needs,
            )
        )

    def _manifest(self, key: str, kinds: Kinds) -> Document:
        """Return the manifest of a key, one with nothing in it if there is none."""
        layered = self._scope.layers.one(key, kinds)
        if layered is not None:
            return layered.document
        api_version, kind = kinds[0]
        return {"apiVersion": api_version, "kind": kind}
