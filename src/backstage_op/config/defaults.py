"""The operator-level configuration: what applies unless a resource says otherwise.

Its folders are those of the Go operator, so that a configuration made for one
serves the other.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import msgspec

from backstage_op import errors

from . import manifests, plugin_manifests

PROFILES: Final = ("backstage.io", "rhdh")
"""The default configurations that come with the package."""

_CONFIG_FOLDER: Final = "default-config"
_FLAVOURS_FOLDER: Final = "flavours"
_METADATA: Final = "metadata.yaml"
_PLATFORMS: Final = (".ocp", ".k8s")
_YAML: Final = (".yaml", ".yml")


class Flavour(msgspec.Struct, frozen=True, kw_only=True):
    """A named variant of the default configuration, merged over it.

    ``files`` maps a configuration key, such as ``deployment.yaml``, to its text.
    """

    name: str
    enabled_by_default: bool
    files: Mapping[str, str]


class _Metadata(
    msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True
):
    enabled_by_default: bool = False


class DefaultConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A default configuration, read but not parsed.

    Attributes:
        source: Where it was read from, for messages.
        files: Configuration key, or key and platform (``service.yaml.k8s``),
            to text.
        flavours: Sorted by name.
        plugin_dependencies: File name below ``plugin-deps`` to text.
    """

    source: str
    files: Mapping[str, str]
    flavours: tuple[Flavour, ...] = ()
    plugin_dependencies: Mapping[str, str] = {}

    @classmethod
    def load(cls, root: Path) -> DefaultConfig:
        """Read a configuration from a folder.

        Args:
            root: Holds ``default-config`` and, if wanted, ``plugin-deps``.

        Raises:
            errors.SettingsError: a folder or a file cannot be read.
            errors.ManifestError: ``metadata.yaml`` of a flavour is wrong.
        """
        config = root / _CONFIG_FOLDER
        if not config.is_dir():
            raise errors.SettingsError(
                f"default configuration {config}: no such folder; mount it or set"
                " the root to the folder that holds default-config"
            )
        return _load(str(config), config, root / plugin_manifests.FOLDER)

    @classmethod
    def shipped(cls, profile: str) -> DefaultConfig:
        """Return a default configuration of this package.

        Args:
            profile: ``backstage.io`` is plain Backstage, ``rhdh`` Red Hat
                Developer Hub.

        Raises:
            errors.SettingsError: there is no such profile.
        """
        if profile not in PROFILES:
            known = ", ".join(PROFILES)
            raise errors.SettingsError(
                f'profile "{profile}": unknown; use one of {known}'
            )
        root = importlib.resources.files("backstage_op") / "default" / profile
        return _load(
            f'profile "{profile}"',
            root / _CONFIG_FOLDER,
            root / plugin_manifests.FOLDER,
        )


def _load(source: str, config: Traversable, dependencies: Traversable) -> DefaultConfig:
    flavours = config / _FLAVOURS_FOLDER
    return DefaultConfig(
        source=source,
        files=_texts(config, _is_config),
        flavours=tuple(
            _flavour(folder) for folder in _visible(flavours) if folder.is_dir()
        ),
        plugin_dependencies=_texts(dependencies, _is_yaml),
    )


def _flavour(folder: Traversable) -> Flavour:
    files = _texts(folder, _is_config)
    text = files.pop(_METADATA, None)
    source = f'flavour "{folder.name}"'
    if text is None:
        raise errors.ManifestError(
            source, _METADATA, "missing; write it with enabledByDefault: true or false"
        )
    value: Any = manifests.load_value(text, source=source, key=_METADATA)
    try:
        metadata = msgspec.convert({} if value is None else value, _Metadata)
    except msgspec.ValidationError as exc:
        raise errors.ManifestError(
            source, _METADATA, f"{exc}; it holds only enabledByDefault: true or false"
        ) from None
    return Flavour(
        name=folder.name, enabled_by_default=metadata.enabled_by_default, files=files
    )


def _visible(folder: Traversable) -> Iterable[Traversable]:
    """Return what a folder holds, sorted, without hidden entries.

    A mounted ConfigMap has its files in a hidden folder, each with a visible
    link to it.
    """
    if not folder.is_dir():
        return []
    try:
        entries = [item for item in folder.iterdir() if item.name[0] != "."]
    except OSError as exc:
        raise errors.SettingsError(
            f"folder {folder}: {exc.strerror}; make it readable"
        ) from exc
    return sorted(entries, key=lambda item: item.name)


def _is_yaml(name: str) -> bool:
    return name.endswith(_YAML)


def _is_config(name: str) -> bool:
    for platform in _PLATFORMS:
        name = name.removesuffix(platform)
    return _is_yaml(name)


def _texts(folder: Traversable, wanted: Any) -> dict[str, str]:
    return {
        item.name: _text(item)
        for item in _visible(folder)
        if item.is_file() and wanted(item.name)
    }


def _text(file: Traversable) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as exc:
        raise errors.SettingsError(
            f"file {file}: {exc.strerror}; make it readable"
        ) from exc
    except UnicodeDecodeError as exc:
        raise errors.SettingsError(
            f"file {file}: byte {exc.start} is not UTF-8; save it as UTF-8"
        ) from None
