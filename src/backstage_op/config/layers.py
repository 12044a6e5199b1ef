"""Which layer gives each configuration key, and how layers combine.

In this order: default configuration → enabled flavours → platform patch →
raw configuration. A raw key replaces everything below it and takes no patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, final

import msgspec

from backstage_op import errors
from backstage_op.document import Document

from . import manifests
from .defaults import DefaultConfig, Flavour
from .merge import ListMode, merge

Kinds: TypeAlias = Sequence[tuple[str, str]]
"""The ``(apiVersion, kind)`` pairs that a key may hold."""

APP_CONFIG: Final = "app-config.yaml"
CONFIG_MAP_ENVS: Final = "configmap-envs.yaml"
CONFIG_MAP_FILES: Final = "configmap-files.yaml"
DATABASE_SECRET: Final = "db-secret.yaml"  # noqa: S105 - a key, not a secret
DATABASE_SERVICE: Final = "db-service.yaml"
DATABASE_STATEFUL_SET: Final = "db-statefulset.yaml"
DEPLOYMENT: Final = "deployment.yaml"
DYNAMIC_PLUGINS: Final = "dynamic-plugins.yaml"
CLAIMS: Final = "pvcs.yaml"
ROUTE: Final = "route.yaml"
SECRET_ENVS: Final = "secret-envs.yaml"  # noqa: S105 - a key, not a secret
SECRET_FILES: Final = "secret-files.yaml"  # noqa: S105 - a key, not a secret
SERVICE: Final = "service.yaml"

KEYS: Final = (
    APP_CONFIG,
    CONFIG_MAP_ENVS,
    CONFIG_MAP_FILES,
    DATABASE_SECRET,
    DATABASE_SERVICE,
    DATABASE_STATEFUL_SET,
    DEPLOYMENT,
    DYNAMIC_PLUGINS,
    CLAIMS,
    ROUTE,
    SECRET_ENVS,
    SECRET_FILES,
    SERVICE,
)
"""The keys that objects are made from."""

_ADDED_BY_FLAVOURS: Final = frozenset({APP_CONFIG, CONFIG_MAP_ENVS, CONFIG_MAP_FILES})
_WITHOUT_PLATFORM_PATCH: Final = frozenset({*_ADDED_BY_FLAVOURS, DYNAMIC_PLUGINS})


class Layered(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a key, and where it comes from.

    Attributes:
        document: The manifest; the caller's own copy.
        source: ``default`` or ``flavour-<name>``; empty where the Go operator
            marks none.
        origin: The layer, for messages.
    """

    document: Document
    source: str
    origin: str


class RawConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The ConfigMap of a raw configuration: where it is, and its keys."""

    origin: str
    files: Mapping[str, str]


@final
class Layers:
    """The layers of one instance."""

    def __init__(
        self,
        default: DefaultConfig,
        *,
        flavours: Sequence[Flavour] = (),
        platform: str,
        raw: Sequence[RawConfig] = (),
    ) -> None:
        self._default = default
        self._flavours = flavours
        self._platform = platform
        self._raw = {
            key: (r.origin, text) for r in raw for key, text in r.files.items()
        }

    def unknown_keys(self) -> Iterator[errors.UnknownKeyError]:
        """Yield an error for each raw key that no object is made from."""
        for key, (origin, _) in self._raw.items():
            if key not in KEYS:
                yield errors.UnknownKeyError(
                    origin, key, f"unknown; use one of {', '.join(KEYS)}"
                )

    def one(self, key: str, kinds: Kinds) -> Layered | None:
        """Return the object of a key that holds one, or None if no layer has it.

        Raises:
            errors.ManifestError: a layer's text is not such an object.
        """
        found = self.many(key, kinds)
        if len(found) > 1:
            raise errors.ManifestError(
                found[1].origin,
                key,
                f"expected one object, found {len(found)}; remove the others",
            )
        return found[0] if found else None

    def many(self, key: str, kinds: Kinds) -> tuple[Layered, ...]:
        """Return the objects of a key, in the order of the layers.

        Raises:
            errors.ManifestError: a layer's text does not hold such objects.
        """
        if (raw := self._raw.get(key)) is not None:
            origin, text = raw
            return tuple(self._read(text, origin, "", key, kinds))
        if key == DEPLOYMENT:
            return self._merged(key, kinds)
        base = list(self._base(key, kinds))
        if key in _ADDED_BY_FLAVOURS:
            for flavour in self._flavours:
                base += self._of_flavour(flavour, key, kinds)
        return tuple(base)

    def texts(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return origin and text of a key in each layer that has it, unmerged."""
        if (raw := self._raw.get(key)) is not None:
            return (raw,)
        found = []
        if (text := self._default.files.get(key)) is not None:
            found.append((self._default.source, text))
        found += [
            (_origin(flavour), flavour.files[key])
            for flavour in self._flavours
            if key in flavour.files
        ]
        return tuple(found)

    def _base(self, key: str, kinds: Kinds) -> Iterator[Layered]:
        text = self._default.files.get(key)
        if text is None:
            return
        source = "default" if key in _ADDED_BY_FLAVOURS else ""
        for layered in self._read(text, self._default.source, source, key, kinds):
            yield self._patched(layered, key)

    def _merged(self, key: str, kinds: Kinds) -> tuple[Layered, ...]:
        """Return the base with the flavours' partial objects merged over it."""
        text = self._default.files.get(key)
        if text is None:
            return ()
        source = self._default.source
        found = list(self._read(text, source, "", key, kinds))
        for flavour in self._flavours:
            patch_text = flavour.files.get(key)
            if patch_text is not None:
                patch = manifests.load_one(patch_text, source=_origin(flavour), key=key)
                found = [
                    self._merge(one, patch, _origin(flavour), key) for one in found
                ]
        return tuple(self._patched(one, key) for one in found)

    def _of_flavour(
        self, flavour: Flavour, key: str, kinds: Kinds
    ) -> Iterator[Layered]:
        text = flavour.files.get(key)
        if text is not None:
            yield from self._read(
                text, _origin(flavour), f"flavour-{flavour.name}", key, kinds
            )

    def _patched(self, layered: Layered, key: str) -> Layered:
        name = f"{key}.{self._platform}"
        text = self._default.files.get(name)
        if text is None or key in _WITHOUT_PLATFORM_PATCH:
            return layered
        patch = manifests.load_one(text, source=self._default.source, key=name)
        return self._merge(layered, patch, self._default.source, name)

    def _merge(
        self, layered: Layered, patch: Document, origin: str, key: str
    ) -> Layered:
        try:
            document = merge(layered.document, patch, mode=ListMode.APPEND)
        except errors.PatchError as error:
            raise errors.ManifestError(origin, key, error.message) from error
        return msgspec.structs.replace(layered, document=document)

    def _read(
        self, text: str, origin: str, source: str, key: str, kinds: Kinds
    ) -> Iterator[Layered]:
        for document in manifests.load_all(text, source=origin, key=key):
            _check_kind(document, kinds, origin, key)
            yield Layered(document=document, source=source, origin=origin)


def _origin(flavour: Flavour) -> str:
    return f'flavour "{flavour.name}"'


def _check_kind(document: Document, kinds: Kinds, origin: str, key: str) -> None:
    found: tuple[Any, Any] = (document.get("apiVersion"), document.get("kind"))
    if found in kinds:
        return
    expected = " or ".join(dict.fromkeys(kind for _, kind in kinds))
    if found[1] in [kind for _, kind in kinds]:
        versions = " or ".join(version for version, kind in kinds if kind == found[1])
        raise errors.ManifestError(
            origin, key, f"expected {expected} of {versions}, found {found[0]}"
        )
    raise errors.ManifestError(
        origin, key, f"expected {expected}, found {found[1] or 'no kind'}"
    )
