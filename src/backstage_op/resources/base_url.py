"""The URL under which people reach the portal, and how an app-config says it."""

from __future__ import annotations

from typing import Any, Final

from backstage_op import config, errors
from backstage_op.document import Document

from . import naming
from .base import Inputs, Instance, Source
from .pod_template import CONFIG_MAP
from .scope import Scope

_ROUTE: Final = "route.yaml"
_PATHS: Final = (
    ("app", "baseUrl"),
    ("backend", "baseUrl"),
    ("backend", "cors", "origin"),
)


def source(name: str) -> Source:
    """Return the source of an app-config that the specification names."""
    return Source(CONFIG_MAP, name)


def of(scope: Scope) -> str:
    """Return the URL of the instance, empty if nothing exposes it."""
    if not scope.layers.has(_ROUTE):
        return ""
    host = route_host(scope.inputs, scope.instance)
    return f"https://{host}" if host else ""


def route_host(inputs: Inputs, instance: Instance) -> str:
    """Return the host of the instance's Route, empty if it has none or is unknown."""
    route = inputs.backstage.spec.application.route
    if not inputs.platform.is_openshift or not route.enabled:
        return ""
    domain = inputs.platform.ingress_domain
    if route.host:
        return route.host
    if not domain:
        return ""
    if route.subdomain:
        return f"{route.subdomain}.{domain}"
    return f"{naming.app_name(instance.name)}-{instance.namespace}.{domain}"


def is_set(text: bytes) -> bool:
    """Tell whether an app-config sets one of the base URLs.

    A text that cannot be read sets none: whether it is right is for Backstage
    to say, and it may use what we do not know.
    """
    try:
        value = config.manifests.load_value(
            text.decode("utf-8", "replace"), source="", key=""
        )
    except errors.ManifestError:
        return False
    return any(_get(value, path) is not None for path in _PATHS)


def added(text: str, url: str, origin: str, key: str) -> str:
    """Return an app-config with the base URLs that it does not set itself.

    Raises:
        errors.ManifestError: the app-config is not a YAML mapping.
    """
    value: Any = config.manifests.load_value(text, source=origin, key=key) or {}
    if not isinstance(value, dict):
        raise errors.ManifestError(origin, key, "an app-config is a YAML mapping")
    before = config.manifests.dump(value)
    for path in _PATHS:
        if _get(value, path) is None:
            _set(value, path, url)
    after = config.manifests.dump(value)
    return text if before == after else after


def _get(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _set(value: Document, path: tuple[str, ...], url: str) -> None:
    *parents, last = path
    for name in parents:
        child = value.get(name)
        if child is None:
            child = value[name] = {}
        if not isinstance(child, dict):
            return
        value = child
    value[last] = url
