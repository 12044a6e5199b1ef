"""From the layers of a configuration to the manifest that applies.

In order: the default configuration, the flavours that are on, the patch for
the platform; or, instead of all of these, the raw configuration that the user
gives for a key. Each key is resolved by itself, so that a bad manifest hides
no fault of another.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from backstage_op import errors
from backstage_op.document import Document

from . import manifests, plugins
from .defaults import DefaultConfig, Flavour
from .layered import Layered, expect_kind, expect_namespace, named, shaped
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
    "httproute.yaml",
    "ingress.yaml",
    "networkpolicy.yaml",
    "pvcs.yaml",
    "route.yaml",
    "secret-envs.yaml",
    "secret-files.yaml",
    "service.yaml",
)
"""Every key that objects are made from."""

ADDED_BY_FLAVOURS: Final = frozenset(
    {
        "app-config.yaml",
        "configmap-envs.yaml",
        "configmap-files.yaml",
        "networkpolicy.yaml",
    }
)
"""Keys that flavours add objects to."""

_OF_FLAVOURS: Final = ADDED_BY_FLAVOURS | {DEPLOYMENT, DYNAMIC_PLUGINS}
_RAW: Final = "rawRuntimeConfig"


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
    ``namespace`` is that of the instance.
    """

    default: DefaultConfig
    flavours: tuple[Flavour, ...]
    platform_suffix: str
    raw: Mapping[str, str]
    raw_origin: Mapping[str, str]
    faults: tuple[errors.UnknownKeyError, ...]
    namespace: str = ""

    def has(self, key: str) -> bool:
        """Whether any layer says something about a key."""
        return bool(self._texts(key))

    def one(self, key: str, kinds: Collection[tuple[str, str]]) -> Layered | None:
        """Return the manifest of a key that stands for one object.

        Flavours are merged into the Deployment by strategic merge; no other
        single object comes from a flavour. See :meth:`plugin_lists` for theirs.

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
        layers = [self._checked(text.one(key), key, kinds) for text in texts]
        base, *patches = layers
        patches += self._platform_patch(key)
        return shaped(_merge_all(base, patches, key), key)

    def plugin_lists(self, kinds: Collection[tuple[str, str]]) -> tuple[Layered, ...]:
        """Return the ConfigMaps with lists of dynamic plugins, the lowest first.

        How lists merge is known to :mod:`plugins`; the list for the platform
        comes after those of the flavours.

        Raises:
            errors.ManifestError: a layer cannot be read, or holds several
                objects or one of another kind.
        """
        layers = [text.one(DYNAMIC_PLUGINS) for text in self._texts(DYNAMIC_PLUGINS)]
        layers += self._platform_patch(DYNAMIC_PLUGINS)
        key = DYNAMIC_PLUGINS
        return tuple(shaped(self._checked(layer, key, kinds), key) for layer in layers)

    def many(self, key: str, kinds: Collection[tuple[str, str]]) -> tuple[Layered, ...]:
        """Return the manifests of a key that may hold several objects, in order.

        Flavours add their objects to those of the default configuration; where
        none may, the patch for the platform is merged into every object.

        Raises:
            errors.ManifestError: a layer cannot be read or merged, or an object
                has another kind, no name, or the name of one before it.
        """
        patches = self._platform_patch(key)
        layers = [
            _merge_all(self._checked(layer, key, kinds), patches, key)
            for text in self._texts(key)
            for layer in text.all(key)
        ]
        origins: dict[str, str] = {}
        for layer in layers:
            shaped(layer, key)
            name = named(layer, key)
            if name in origins:
                raise errors.ManifestError(
                    layer.origin,
                    key,
                    f'metadata.name "{name}" is taken by {origins[name]};'
                    " use another name",
                )
            origins[name] = layer.origin
        return tuple(layers)

    def origins(self, key: str, name: str = "") -> tuple[str, ...]:
        """Return the layers that say something about a key, lowest first.

        With the name of one of several objects, only those that hold it.

        Raises:
            errors.ManifestError: a layer cannot be read.
        """
        texts = self._texts(key)
        if name:
            texts = [
                text
                for text in texts
                if any(
                    layered.document["metadata"]["name"] == name
                    for layered in text.all(key)
                )
            ]
        patches = self._platform_patch(key) if texts else []
        return (*(t.origin for t in texts), *(patch.origin for patch in patches))

    def _checked(
        self, layer: Layered, key: str, kinds: Collection[tuple[str, str]]
    ) -> Layered:
        expect_kind(layer, key, kinds)
        # The administrator's manifests go to all namespaces; a user's name his.
        if key in self.raw:
            expect_namespace(layer, key, self.namespace)
        return layer

    def _texts(self, key: str) -> list[_Text]:
        """Return the layers of a key, the lowest first."""
        if key in self.raw:
            return [_Text(self.raw[key], "", self.raw_origin.get(key, _RAW))]
        texts = []
        if key in self.default.files:
            origin = f"default configuration ({self.default.source})"
            texts.append(_Text(self.default.files[key], "default", origin))
        if key in _OF_FLAVOURS:
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
        """Return what is merged into each object of a key, none or one.

        As with the Go operator there is none for raw configuration, nor for keys
        that flavours add objects to.
        """
        file = f"{key}.{self.platform_suffix}"
        is_added_to = key in ADDED_BY_FLAVOURS
        if key in self.raw or is_added_to or file not in self.default.files:
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
    namespace: str = "",
) -> Layers:
    """Stack the layers of a configuration; nothing is parsed yet.

    Args:
        default: The operator-level configuration.
        flavours: Those that are on, in order; see :func:`flavours.select`.
        platform_suffix: ``ocp`` or ``k8s``.
        raw: Key to manifest, of all the user's raw ConfigMaps.
        raw_origin: Key to the object that it is in (``ConfigMap "raw"``), for
            messages.
        namespace: That of the instance, which raw manifests must not leave.
    """
    raw = raw or {}
    raw_origin = raw_origin or {}
    return Layers(
        default=default,
        flavours=tuple(flavours),
        platform_suffix=platform_suffix,
        raw=raw,
        raw_origin=raw_origin,
        namespace=namespace,
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
