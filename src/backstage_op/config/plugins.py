"""The list of dynamic plugins: read, merged by package, written.

Presence counts, not truth: ``disabled: false`` of a user wins over ``disabled:
true`` of the default configuration, and a field that a layer does not mention
stays as it was. Order and unknown fields are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from backstage_op import errors

from . import manifests

KEY: Final = "dynamic-plugins.yaml"
"""The key of the ConfigMap, and the file, that holds the list."""

_FIELD_ORDER: Final = (
    "package",
    "integrity",
    "enabled",
    "disabled",
    "pluginConfig",
    "dependencies",
)
_SWITCHES: Final = frozenset({"enabled", "disabled"})


class PluginList(msgspec.Struct, frozen=True, kw_only=True):
    """A list of dynamic plugins.

    Attributes:
        text: The file as it is mounted.
        includes: Files whose plugins come first; None if not mentioned.
        plugins: Entries, each with ``package`` and what is said about it.
        others: Further fields of the file.
    """

    text: str
    includes: tuple[str, ...] | None
    plugins: tuple[dict[str, Any], ...]
    others: dict[str, Any]


def parse(text: str | None, *, source: str, key: str = KEY) -> PluginList:
    """Read a list of dynamic plugins.

    Args:
        text: The file, None if the object lacks the key.
        source: The object that it is in, for messages.
        key: The key of the file, for messages.

    Raises:
        errors.PluginsError: the key is absent, or the content is not YAML or not a
            list of plugins; the message names the entry.
    """
    if text is None:
        raise errors.PluginsError(source, key, "the key is missing; add it")
    content = _load(text, source, key)
    if not isinstance(content, dict):
        raise errors.PluginsError(
            source, key, "expected an object with includes and plugins; correct it"
        )
    others = {
        field: item
        for field, item in content.items()
        if field not in {"includes", "plugins"}
    }
    return PluginList(
        text=text,
        includes=_includes(content.get("includes"), source, key),
        plugins=tuple(
            _plugin(entry, number, source, key)
            for number, entry in enumerate(
                _list(content.get("plugins"), "plugins", source, key)
            )
        ),
        others=others,
    )


def merge(lists: Sequence[PluginList]) -> PluginList:
    """Merge lists, the lowest layer first.

    An entry overrides the fields that it mentions of the entry of the same
    package below it (``pluginConfig`` as a whole; an empty ``dependencies``
    removes them). Includes are united; an empty list removes those below it.

    Returns:
        The one list with its text unchanged, or a list with a generated text.
    """
    if len(lists) == 1:
        return lists[0]
    includes: dict[str, None] = {}
    plugins: dict[str, dict[str, Any]] = {}
    others: dict[str, Any] = {}
    for layer in lists:
        if layer.includes == ():
            includes.clear()
        includes |= dict.fromkeys(layer.includes or ())
        others |= layer.others
        for entry in layer.plugins:
            package = entry["package"]
            plugins[package] = _override(plugins.get(package, {}), entry)
    merged = tuple(_ordered(entry) for entry in plugins.values())
    content: dict[str, Any] = {
        "includes": list(includes),
        "plugins": list(merged),
        **others,
    }
    if not includes:
        del content["includes"]
    return PluginList(
        text=manifests.dump(content, sort_keys=False),
        includes=tuple(includes) or None,
        plugins=merged,
        others=others,
    )


def is_enabled(entry: dict[str, Any]) -> bool:
    """Whether a plugin is used: ``enabled`` beats ``disabled``, neither means yes."""
    enabled = entry.get("enabled")
    if enabled is not None:
        return bool(enabled)
    return not entry.get("disabled")


def _override(below: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    if _SWITCHES & entry.keys():
        # A lower layer's "enabled" must not beat this layer's "disabled".
        below = {key: value for key, value in below.items() if key not in _SWITCHES}
    merged = {**below, **entry}
    if merged.get("dependencies") == []:
        del merged["dependencies"]
    return merged


def _ordered(entry: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {
        field: entry[field] for field in _FIELD_ORDER if field in entry
    }
    return {**known, **entry}


def _load(text: str, source: str, key: str) -> Any:
    try:
        value = manifests.load_value(text, source=source, key=key)
    except errors.ManifestError as exc:
        raise errors.PluginsError(source, key, exc.detail) from None
    return {} if value is None else value


def _includes(value: Any, source: str, key: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    includes = _list(value, "includes", source, key)
    for number, include in enumerate(includes):
        if not isinstance(include, str):
            raise errors.PluginsError(
                source, key, f"includes[{number}]: expected the name of a file"
            )
    return tuple(includes)


def _list(value: Any, field: str, source: str, key: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise errors.PluginsError(
            source, key, f"{field}: expected a list; put a dash before each entry"
        )
    return value


def _plugin(entry: Any, number: int, source: str, key: str) -> dict[str, Any]:
    where = f"plugins[{number}]"
    if not isinstance(entry, dict):
        raise errors.PluginsError(source, key, f"{where}: expected an object")
    package = entry.get("package")
    if not isinstance(package, str) or not package:
        raise errors.PluginsError(
            source, key, f"{where}.package is missing; name the plugin's package"
        )
    # A field without a value says nothing, as if it were not there.
    plugin = {field: value for field, value in entry.items() if value is not None}
    for field, wanted, name in _FIELD_TYPES:
        if field in plugin and not isinstance(plugin[field], wanted):
            raise errors.PluginsError(
                source, key, f'{where} "{package}": {field}: expected {name}'
            )
    return plugin


_FIELD_TYPES: Final[tuple[tuple[str, type, str], ...]] = (
    ("integrity", str, "a string"),
    ("enabled", bool, "true or false"),
    ("disabled", bool, "true or false"),
    ("pluginConfig", dict, "an object"),
    ("dependencies", list, "a list"),
)
