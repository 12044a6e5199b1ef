"""The ConfigMap with the list of dynamic plugins, and its mount."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backstage_op import config, errors
from backstage_op.document import Document, ObjectRef

from . import configured, naming, pod_template
from .base import RuntimeObject
from .pod_template import CONFIG_MAP, ContainerFilter, Mount, Origin, PodContribution
from .scope import Part, Scope, contents_of

KEY: Final = config.layers.DYNAMIC_PLUGINS
FILE: Final = "dynamic-plugins.yaml"
_PATH: Final = "spec.application.dynamicPluginsConfigMapName"


class DynamicPlugins(RuntimeObject, frozen=True, kw_only=True):
    """The ConfigMap of the merged list."""

    manifest: Document
    text: str

    @property
    def ref(self) -> ObjectRef:
        """The identity of the ConfigMap."""
        name = naming.dynamic_plugins_name(self.instance.name)
        return ObjectRef("v1", CONFIG_MAP, self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the ConfigMap with the list as its only entry."""
        manifest = {**self.manifest, "data": {FILE: self.text}}
        return naming.stamped(manifest, self.instance, self.ref.name)


def parts(scope: Scope) -> Iterator[Part]:
    """Yield the list, if any layer or the specification has one."""
    with scope.collecting():
        manifest, texts = _layered(scope)
        texts += _referenced(scope)
        if not texts:
            return
        text = config.plugins.merge_texts(texts)
        made = DynamicPlugins(
            key=KEY.removesuffix(".yaml"),
            instance=scope.instance,
            manifest=manifest,
            text=text,
        )
        path = pod_template.joined(scope.directory(naming.PLUGINS_CONTAINER), FILE)
        yield Part(
            objects=(made,),
            contribution=PodContribution(
                origin=Origin(source=texts[-1][0], key=KEY),
                containers=ContainerFilter((naming.PLUGINS_CONTAINER,)),
                mounts=(
                    Mount(
                        kind=CONFIG_MAP,
                        name=made.ref.name,
                        path=path,
                        sub_path=FILE,
                        read_only=True,
                    ),
                ),
            ),
            contents=contents_of(CONFIG_MAP, made.ref.name, {FILE: text.encode()}),
        )


def _layered(scope: Scope) -> tuple[Document, list[tuple[str, str, str]]]:
    """Return the manifest of the lowest layer, and the lists of all of them."""
    manifest: Document = {"apiVersion": "v1", "kind": CONFIG_MAP}
    texts = []
    for origin, content in reversed(scope.layers.texts(KEY)):
        manifest = config.manifests.load_one(content, source=origin, key=KEY)
        if (manifest.get("apiVersion"), manifest.get("kind")) not in (
            configured.CONFIG_MAPS
        ):
            raise errors.ManifestError(
                origin, KEY, f"expected ConfigMap, found {manifest.get('kind')}"
            )
        text = (manifest.get("data") or {}).get(FILE)
        if isinstance(text, str):
            texts.append((origin, KEY, text))
    return manifest, texts[::-1]


def _referenced(scope: Scope) -> list[tuple[str, str, str]]:
    name = scope.inputs.backstage.spec.application.dynamic_plugins_config_map_name
    if not name:
        return []
    data = scope.content(_PATH, CONFIG_MAP, name, FILE)
    return [(f'ConfigMap "{name}"', FILE, data[FILE].decode("utf-8", "replace"))]
