"""The list of dynamic plugins: read, merged by package, written.

Presence counts, not truth: ``disabled: false`` of a user wins over ``disabled:
true`` of the default configuration, and a field that a layer does not mention
stays as it was. Order and unknown fields are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from backstage_op import errors

from . import manifests, words

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

_UNQUOTED: Final = "write one of them, without quotes"
_DASHES: Final = "put a dash before each entry"
_FIELD_TYPES: Final[tuple[tuple[str, type, str, str], ...]] = (
    ("integrity", str, "a text", "write the digest of the package"),
    ("enabled", bool, "true or false", _UNQUOTED),
    ("disabled", bool, "true or false", _UNQUOTED),
    ("pluginConfig", dict, "an object", "write app-config below it"),
    ("dependencies", list, "a list", _DASHES),
)
"""A field, its type, and for messages the word for it and the remedy."""


class PluginList(msgspec.Struct, frozen=True, kw_only=True):
    """A list of dynamic plugins.

    Attributes:
        text: The file as somebody wrote it; None if nobody did.
        includes: Files whose plugins come first; None if not mentioned.
        plugins: Entries, each with ``package`` and what is said about it. Those
            that cannot be used are left out.
        others: Further fields of the file.
        places: Where each entry is, for messages.
        faults: All that is wrong with the list.
    """

    text: str | None = None
    includes: tuple[str, ...] | None = None
    plugins: tuple[dict[str, Any], ...] = ()
    others: dict[str, Any] = {}
    places: tuple[str, ...] = ()
    faults: tuple[errors.PluginsError, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Whether the list leaves every layer below it as it is."""
        return self.includes is None and not self.plugins and not self.others

    def written(self) -> str:
        """Return the list as a file: as it was written, or generated."""
        if self.text is not None:
            return self.text
        content: dict[str, Any] = {}
        if self.includes:
            content["includes"] = list(self.includes)
        content |= {"plugins": list(self.plugins), **self.others}
        return _dumped(msgspec.json.encode(content))


def parse(text: str | None, *, source: str) -> PluginList:
    """Read a list of dynamic plugins; what is wrong with it is told in ``faults``.

    Args:
        text: The file, None if the object lacks the key.
        source: The object that it is in, for messages.
    """
    place = f"{source}, key {KEY}"
    faults: list[errors.PluginsError] = []
    try:
        content = _load(text, source)
    except errors.PluginsError as error:
        return PluginList(faults=(error,))
    includes = _includes(content.get("includes"), place, faults)
    entries = _list(content.get("plugins"), f"{place}: plugins", faults)
    read = _entries(entries, f"{place}: plugins", faults)
    return PluginList(
        text=text,
        includes=includes,
        plugins=tuple(plugin for _, plugin in read),
        others={k: v for k, v in content.items() if k not in {"includes", "plugins"}},
        places=tuple(where for where, _ in read),
        faults=tuple(faults),
    )


def inline(entries: Sequence[dict[str, Any]], *, path: str) -> PluginList:
    """Return the list that a field of the custom resource holds.

    Args:
        entries: As under ``plugins`` in a file.
        path: The field, for messages.
    """
    faults: list[errors.PluginsError] = []
    read = _entries(entries, path, faults)
    return PluginList(
        plugins=tuple(plugin for _, plugin in read),
        places=tuple(where for where, _ in read),
        faults=tuple(faults),
    )


def merge(lists: Sequence[PluginList]) -> PluginList:
    """Merge lists, the lowest layer first.

    An entry overrides the fields that it mentions of the entry of the same
    package below it (``pluginConfig`` as a whole; an empty ``dependencies``
    removes them). Includes are united; an empty list removes those below it.

    Returns:
        The one list that says something, with its text, or a list without one.
    """
    speaking = [layer for layer in lists if not layer.says_nothing] or list(lists[:1])
    if len(speaking) == 1:
        return speaking[0]
    includes: dict[str, None] = {}
    plugins: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    others: dict[str, Any] = {}
    for layer in speaking:
        if layer.includes == ():
            includes.clear()
        includes |= dict.fromkeys(layer.includes or ())
        others |= layer.others
        for entry, place in zip(layer.plugins, layer.places, strict=True):
            package = entry["package"]
            plugins[package] = _override(plugins.get(package, {}), entry)
            places[package] = place
    return PluginList(
        includes=tuple(includes) or None,
        plugins=tuple(_ordered(entry) for entry in plugins.values()),
        others=others,
        places=tuple(places.values()),
    )


def is_enabled(entry: dict[str, Any]) -> bool:
    """Whether a plugin is used: ``enabled`` beats ``disabled``, neither means yes."""
    enabled = entry.get("enabled")
    if enabled is not None:
        return bool(enabled)
    return not entry.get("disabled")


@functools.lru_cache(maxsize=128)
def _dumped(content: bytes) -> str:
    """Return JSON as YAML; writing YAML is slow, and most lists never change."""
    return manifests.dump(msgspec.json.decode(content), sort_keys=False)


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


def _load(text: str | None, source: str) -> dict[str, Any]:
    place = f"{source}, key {KEY}"
    if text is None:
        raise errors.PluginsError(place, "the key is missing; add it")
    try:
        value = manifests.load_value(text, source=source, key=KEY)
    except errors.ManifestError as exc:
        raise errors.PluginsError(place, exc.detail) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.PluginsError(
            place,
            f"expected an object, found {words.found(value)}; "
            "write the entries below plugins:",
        )
    return value


def _includes(
    value: Any, place: str, faults: list[errors.PluginsError]
) -> tuple[str, ...] | None:
    if value is None:
        return None
    includes = _list(value, f"{place}: includes", faults)
    faults += [
        errors.PluginsError(
            f"{place}: includes[{number}]",
            f"expected the name of a file, found {words.found(include)}; "
            "write it in quotes",
        )
        for number, include in enumerate(includes)
        if not isinstance(include, str)
    ]
    return tuple(include for include in includes if isinstance(include, str))


def _list(value: Any, place: str, faults: list[errors.PluginsError]) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        faults.append(
            errors.PluginsError(
                place, f"expected a list, found {words.found(value)}; {_DASHES}"
            )
        )
        return []
    return value


def _entries(
    entries: Sequence[Any], place: str, faults: list[errors.PluginsError]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the entries that can be used, each with its place."""
    read = []
    for number, entry in enumerate(entries):
        where = f"{place}[{number}]"
        if not isinstance(entry, dict):
            faults.append(
                errors.PluginsError(
                    where,
                    f"expected an object, found {words.found(entry)}; "
                    "write package: and its name",
                )
            )
            continue
        package = entry.get("package")
        if not isinstance(package, str) or not package:
            faults.append(
                errors.PluginsError(
                    f"{where}.package", "missing; name the plugin's package"
                )
            )
            continue
        where = f'{where} "{package}"'
        # A field without a value says nothing, as if it were not there.
        plugin = {field: value for field, value in entry.items() if value is not None}
        problems = tuple(_problems(plugin))
        faults += [errors.PluginsError(where, problem) for problem in problems]
        if not problems:
            read.append((where, plugin))
    return read


def _problems(plugin: dict[str, Any]) -> Iterator[str]:
    for field, wanted, name, remedy in _FIELD_TYPES:
        if field in plugin and not isinstance(plugin[field], wanted):
            found = words.found(plugin[field])
            yield f"{field}: expected {name}, found {found}; {remedy}"
    dependencies = plugin.get("dependencies")
    for number, entry in enumerate(
        dependencies if isinstance(dependencies, list) else ()
    ):
        ref = entry.get("ref") if isinstance(entry, dict) else None
        if not isinstance(ref, str) or not ref:
            yield f"dependencies[{number}].ref: missing; name a set of objects"
