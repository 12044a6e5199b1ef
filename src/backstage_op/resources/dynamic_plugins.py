"""The ConfigMap with the list of dynamic plugins, and its mount."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backstage_op import config
from backstage_op.document import Document, ObjectRef

from . import configured, naming, pod_template
from .base import RuntimeObject
from .pod_template import CONFIG_MAP, ContainerFilter, Mount, Origin, PodContribution
from .scope import Part, Scope, contents_of

KEY: Final = config.plugins.KEY
FILE: Final = "dynamic-plugins.yaml"
_EMPTY: Final[Document] = {"apiVersion": "v1", "kind": CONFIG_MAP}
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
        layered = scope.layers.one(KEY, configured.CONFIG_MAPS)
        lists = _lists(scope, layered)
        if not lists:
            return
        manifest = layered.document if layered else _EMPTY
        text = config.plugins.merge(lists).text
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
                origin=Origin(source=layered.origin if layered else _PATH, key=KEY),
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


def _lists(
    scope: Scope, layered: config.Layered | None
) -> list[config.plugins.PluginList]:
    """Return the list of the layers, then that of the specification."""
    found = []
    if layered is not None:
        text = (layered.document.get("data") or {}).get(FILE)
        found.append(config.plugins.parse(text, source=layered.origin))
    name = scope.inputs.backstage.spec.application.dynamic_plugins_config_map_name
    if name:
        data = scope.content(_PATH, CONFIG_MAP, name, FILE)
        text = data[FILE].decode("utf-8", "replace")
        found.append(config.plugins.parse(text, source=f'ConfigMap "{name}"'))
    return found
