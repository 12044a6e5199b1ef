"""From the layers of a configuration to the manifest that applies.

In order: the default configuration, the flavours that are on, the patch for
the platform; or, instead of all of these, the raw configuration that the user
gives for a key. Each key is resolved by itself, so that a bad manifest hides
no fault of another.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from backstage_op import errors
from backstage_op.document import Document

from . import manifests, plugins, shapes
from .defaults import DefaultConfig, Flavour
from .merge import merge

DEPLOYMENT: Final = "deployment.yaml"
DYNAMIC_PLUGINS: Final = plugins.KEY

KEYS: Final = (
    "app-config.yaml",
    "configmap-envs.yaml",
    "configmap-files.yaml",
    "db-secret.yaml",
    "db-service.yaml",
    "db-statefulset.yaml",
    DEPLOYMENT,
    DYNAMIC_PLUGINS,
    "pvcs.yaml",
    "route.yaml",
    "secret-envs.yaml",
    "secret-files.yaml",
    "service.yaml",
)
"""Every key that objects are made from."""

_EXTENDED_BY_FLAVOURS: Final = frozenset(
    {"app-config.yaml", "configmap-envs.yaml", "configmap-files.yaml", DYNAMIC_PLUGINS}
)
_RAW: Final = "rawRuntimeConfig"


class Layered(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest and where it comes from.

    Attributes:
        document: The caller's own copy.
        source: ``default``, ``flavour-<name>``, or empty for raw configuration:
            the value of the annotation ``rhdh.redhat.com/source``.
        origin: The same for people, as messages name it.
    """

    document: Document
    source: str
    origin: str


class _Text(msgspec.Struct, frozen=True):
    text: str
    source: str
    origin: str

    def one(self, key: str) -> Layered:
        document = manifests.load_one(self.text, source=self.origin, key=key)
        return self._layered(document)

    def all(self, key: str) -> list[Layered]:
        documents = manifests.load_all(self.text, source=self.origin, key=key)
        return [self._layered(document) for document in documents]

    def _layered(self, document: Document) -> Layered:
        return Layered(document=document, source=self.source, origin=self.origin)


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration of one instance.

    ``faults`` are those of the configuration as a whole: keys that no object is
    made from. Faults of a manifest are raised by the methods, key by key.
    """

    default: DefaultConfig
    flavours: tuple[Flavour, ...]
    platform_suffix: str
    raw: Mapping[str, str]
    raw_origin: Mapping[str, str]
    faults: tuple[errors.UnknownKeyError, ...]

    def has(self, key: str) -> bool:
        """Whether any layer says something about a key."""
        return bool(self._texts(key))

    def one(self, key: str, kinds: Collection[tuple[str, str]]) -> Layered | None:
        """Return the manifest of a key that stands for one object.

        Flavours are merged into the Deployment by strategic merge, and into the
        dynamic plugins by package; no other single object comes from a flavour.

        Args:
            key: One of :data:`KEYS`.
            kinds: The pairs of apiVersion and kind that the key may hold.

        Returns:
            None if no layer has the key.

        Raises:
            errors.ManifestError: a layer cannot be read or merged, or holds
                several objects or one of another kind.
        """
        texts = self._texts(key)
        if not texts:
            return None
        layers = [_checked(text.one(key), key, kinds) for text in texts]
        if key == DYNAMIC_PLUGINS:
            return _merge_plugins(layers)
        base, *patches = layers
        if key not in self.raw:
            patches += self._platform_patch(key)
        return _shaped(_merge_all(base, patches, key), key)

    def many(self, key: str, kinds: Collection[tuple[str, str]]) -> tuple[Layered, ...]:
        """Return the manifests of a key that may hold several objects, in order.

        Flavours add their objects to those of the default configuration.

        Raises:
            errors.ManifestError: a layer cannot be read, or an object has
                another kind, no name, or the name of one before it.
        """
        layers = [layer for text in self._texts(key) for layer in text.all(key)]
        origins: dict[str, str] = {}
        for layer in layers:
            _shaped(_checked(layer, key, kinds), key)
            name = layer.document.get("metadata", {}).get("name")
            if not isinstance(name, str) or not name:
                raise errors.ManifestError(
                    layer.origin, key, "metadata.name is missing; name the object"
                )
            if name in origins:
                raise errors.ManifestError(
                    layer.origin,
                    key,
                    f'metadata.name "{name}" is taken by {origins[name]};'
                    " use another name",
                )
            origins[name] = layer.origin
        return tuple(layers)

    def _texts(self, key: str) -> list[_Text]:
        """Return the layers of a key, the lowest first."""
        if key in self.raw:
            return [_Text(self.raw[key], "", self.raw_origin.get(key, _RAW))]
        texts = []
        if key in self.default.files:
            origin = f"default configuration ({self.default.source})"
            texts.append(_Text(self.default.files[key], "default", origin))
        if key == DEPLOYMENT or key in _EXTENDED_BY_FLAVOURS:
            texts += [
                _Text(
                    flavour.files[key],
                    f"flavour-{flavour.name}",
                    f'flavour "{flavour.name}"',
                )
                for flavour in self.flavours
                if key in flavour.files
            ]
        return texts

    def _platform_patch(self, key: str) -> list[Layered]:
        file = f"{key}.{self.platform_suffix}"
        if file not in self.default.files:
            return []
        origin = f"default configuration ({self.default.source}), file {file}"
        return [_Text(self.default.files[file], "default", origin).one(key)]


def resolve(
    default: DefaultConfig,
    *,
    flavours: Iterable[Flavour] = (),
    platform_suffix: str,
    raw: Mapping[str, str] | None = None,
    raw_origin: Mapping[str, str] | None = None,
) -> Layers:
    """Stack the layers of a configuration; nothing is parsed yet.

    Args:
        default: The operator-level configuration.
        flavours: Those that are on, in order; see :func:`flavours.select`.
        platform_suffix: ``ocp`` or ``k8s``.
        raw: Key to manifest, of all the user's raw ConfigMaps.
        raw_origin: Key to the object that it is in (``ConfigMap "raw"``), for
            messages.
    """
    raw = raw or {}
    raw_origin = raw_origin or {}
    return Layers(
        default=default,
        flavours=tuple(flavours),
        platform_suffix=platform_suffix,
        raw=raw,
        raw_origin=raw_origin,
        faults=tuple(
            _unknown(key, raw_origin.get(key, _RAW)) for key in raw if key not in KEYS
        ),
    )


def _unknown(key: str, origin: str) -> errors.UnknownKeyError:
    likely = difflib.get_close_matches(key, KEYS, n=1)
    hint = f'did you mean "{likely[0]}"? ' if likely else ""
    return errors.UnknownKeyError(
        origin, key, f"no object is made from it; {hint}the keys are {', '.join(KEYS)}"
    )


def _merge_all(base: Layered, patches: list[Layered], key: str) -> Layered:
    document = base.document
    for patch in patches:
        # What kind of object it is, the base decides.
        content = {
            field: value
            for field, value in patch.document.items()
            if field not in {"apiVersion", "kind"}
        }
        try:
            document = merge(document, content)
        except errors.PatchError as exc:
            raise errors.ManifestError(patch.origin, key, exc.message) from exc
    return Layered(document=document, source=base.source, origin=base.origin)


def _merge_plugins(layers: list[Layered]) -> Layered:
    base = layers[0]
    lists = [
        plugins.parse(
            (layer.document.get("data") or {}).get(DYNAMIC_PLUGINS),
            source=layer.origin,
            key=DYNAMIC_PLUGINS,
        )
        for layer in layers
    ]
    data = {
        **(base.document.get("data") or {}),
        DYNAMIC_PLUGINS: plugins.merge(lists).text,
    }
    return msgspec.structs.replace(base, document={**base.document, "data": data})


def _checked(layer: Layered, key: str, kinds: Collection[tuple[str, str]]) -> Layered:
    document = layer.document
    version, kind = document.get("apiVersion"), document.get("kind")
    if not isinstance(kind, str | None):
        kind = "a kind that is not a string"
    if kind not in {allowed for _, allowed in kinds}:
        wanted = " or ".join(sorted({allowed for _, allowed in kinds}))
        raise _unexpected(layer, key, wanted, kind or "no kind")
    if (version, kind) not in kinds:
        versions = " or ".join(v for v, allowed in kinds if allowed == kind)
        found = version or "none"
        raise _unexpected(layer, key, f"{kind} of apiVersion {versions}", found)
    for field in ("metadata", "spec", "data"):
        _expect_mapping(layer, key, field, document)
    return layer


def _shaped(layer: Layered, key: str) -> Layered:
    """Check what is the result of all layers; a patch alone may be anything."""
    if (problem := shapes.problem(layer.document)) is not None:
        raise errors.ManifestError(layer.origin, key, problem)
    return layer


def _unexpected(
    layer: Layered, key: str, wanted: str, found: Any
) -> errors.ManifestError:
    return errors.ManifestError(
        layer.origin,
        key,
        f"expected {wanted}, found {found}; correct the manifest or its key",
    )


def _expect_mapping(layer: Layered, key: str, field: str, document: Document) -> None:
    if field not in document or isinstance(document[field], dict):
        return
    if document[field] is None:
        del document[field]
        return
    raise errors.ManifestError(
        layer.origin, key, f"{field}: expected an object; correct the manifest"
    )
