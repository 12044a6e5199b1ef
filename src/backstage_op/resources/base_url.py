"""The URL under which people reach the portal, and how an app-config says it.

What the user says is never contradicted: once an app-config of the user sets a
URL, none is written. Those of the configuration get what none of them says, and
where one says localhost, which nobody outside of the pod can reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from backstage_op import config, errors
from backstage_op.document import Document

from . import config_files, configured, naming
from .base import Inputs, Instance
from .config_files import ReadFile
from .scope import Part, Scope, contents_of

_KEY: Final = "app-config.yaml"
_NODES: Final = "app-config/"
_PATHS: Final = (
    ("app", "baseUrl"),
    ("backend", "baseUrl"),
    ("backend", "cors", "origin"),
)
_LOCAL: Final = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/?")


def of_route(inputs: Inputs, instance: Instance) -> str:
    """Return the URL of the instance's Route, empty if its host is not known."""
    host = _route_host(inputs, instance)
    return f"https://{host}" if host else ""


def _route_host(inputs: Inputs, instance: Instance) -> str:
    route = inputs.backstage.spec.application.route
    domain = inputs.platform.ingress_domain
    if route.host:
        return route.host
    if not domain:
        return ""
    if route.subdomain:
        return f"{route.subdomain}.{domain}"
    return f"{naming.app_name(instance.name)}-{instance.namespace}.{domain}"


def written(scope: Scope, parts: Sequence[Part], url: str) -> tuple[Part, ...]:
    """Return the parts with the URL in the app-configs of the configuration.

    Nothing changes without a URL, or where the user says one.
    """
    files = config_files.of(scope, parts) if url else ()
    ours = [(file, part) for file in files if (part := _part_of(file, parts))]
    names = {file.name for file, _ in ours}
    if any(_values(file.data) for file in files if file.name not in names):
        return tuple(parts)
    said = {
        path
        for file, _ in ours
        for path, value in _values(file.data).items()
        if not _is_local(value)
    }
    changed = dict(enumerate(parts))
    for number, (file, part) in enumerate(ours):
        with scope.collecting():
            index = parts.index(part)
            origin = part.contribution.origin.source if part.contribution else ""
            text = _text(file, url, said, origin, is_first=number == 0)
            changed[index] = _with(changed[index], file.key, text)
    return tuple(changed.values())


def _part_of(file: ReadFile, parts: Sequence[Part]) -> Part | None:
    """Return the part that makes an app-config of the configuration."""
    for part in parts:
        for made in part.objects:
            if made.key.startswith(_NODES) and made.ref.name == file.name:
                return part
    return None


def _with(part: Part, key: str, text: str) -> Part:
    (made,) = part.objects
    assert isinstance(made, configured.ConfiguredObject)  # noqa: S101 - by its key
    data = made.manifest.get("data") or {}
    if data.get(key) in (None, text):
        return part
    made = configured.with_data(made, {**data, key: text})
    contents = contents_of(made.ref.kind, made.name, configured.data_of(made))
    return msgspec.structs.replace(part, objects=(made,), contents=contents)


def _values(data: bytes) -> dict[tuple[str, ...], Any]:
    """Return what an app-config says of the URLs.

    A text that cannot be read says nothing: whether it is right is for Backstage
    to say, and it may use what we do not know.
    """
    try:
        value = config.manifests.load_value(
            data.decode("utf-8", "replace"), source="", key=""
        )
    except errors.ManifestError:
        return {}
    return dict(_found(value))


def _found(value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    for path in _PATHS:
        if (found := _get(value, path)) is not None:
            yield path, found


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and bool(_LOCAL.fullmatch(value))


def _text(
    file: ReadFile,
    url: str,
    said: set[tuple[str, ...]],
    origin: str,
    *,
    is_first: bool,
) -> str:
    """Return an app-config with the URLs that no other one says.

    Raises:
        errors.ManifestError: the first app-config is not a YAML mapping.
    """
    text = file.data.decode("utf-8", "replace")
    before = _values(file.data)
    if not is_first and not any(map(_is_local, before.values())):
        return text
    value: Any = config.manifests.load_value(text, source=origin, key=_KEY) or {}
    if not isinstance(value, dict):
        raise errors.ManifestError(origin, _KEY, "an app-config is a YAML mapping")
    wanted = [
        path
        for path in _PATHS
        if path not in said and (is_first or _is_local(before.get(path)))
    ]
    changes = [_set(value, path, url) for path in wanted]
    return config.manifests.dump(value) if any(changes) else text


def _get(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _set(value: Document, path: tuple[str, ...], url: str) -> bool:
    """Set a URL; tell whether that was possible."""
    *parents, last = path
    for name in parents:
        child = value.get(name)
        if child is None:
            child = value[name] = {}
        if not isinstance(child, dict):
            return False
        value = child
    value[last] = url
    return True
