"""The ConfigMap with the list of dynamic plugins, and its mount.

Usually the init container of the portal's image works the list off, references
included. With an installer of its own, which knows packages only, the list is
worked off here: the installer is given the packages, and the portal what the
plugins say about its app-config.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from backstage_op import config
from backstage_op.config.plugins import PluginList
from backstage_op.document import Document, ObjectRef

from . import configured, naming, pod_template
from .base import RuntimeObject
from .pod_template import CONFIG_MAP, ContainerFilter, Mount, Origin, PodContribution
from .scope import Part, Scope, contents_of

KEY: Final = config.plugins.KEY
FILE: Final = "dynamic-plugins.yaml"
PACKAGES: Final = "packages.txt"
_EMPTY: Final[Document] = {"apiVersion": "v1", "kind": CONFIG_MAP}
_APPLICATION: Final = "spec.application"
_NAME_PATH: Final = f"{_APPLICATION}.dynamicPluginsConfigMapName"
_INLINE_PATH: Final = f"{_APPLICATION}.dynamicPlugins"
_INPUT_FILE: Final = "INPUT_FILE"


class Plugins(msgspec.Struct, frozen=True, kw_only=True):
    """What all layers together say about plugins.

    Attributes:
        manifest: The ConfigMap of the lowest layer, without its list.
        origin: Where a fault of the mount is to be mended.
        merged: The list as the layers wrote it, references included.
        resolved: The list with every reference that could be followed.
    """

    manifest: Document
    origin: Origin
    merged: PluginList
    resolved: PluginList


class DynamicPlugins(RuntimeObject, frozen=True, kw_only=True):
    """The ConfigMap with the merged list, or with the packages in it."""

    manifest: Document
    file: str
    text: str

    @property
    def ref(self) -> ObjectRef:
        """The identity of the ConfigMap."""
        name = naming.dynamic_plugins_name(self.instance.name)
        return ObjectRef("v1", CONFIG_MAP, self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the ConfigMap with the file as its only entry."""
        manifest = {**self.manifest, "data": {self.file: self.text}}
        return naming.stamped(manifest, self.instance, self.ref.name)


def read(scope: Scope) -> Plugins | None:
    """Return the plugins of all layers, None if none says anything.

    A layer that cannot be read is kept as a fault, and so is each bad entry of
    a list and, where the list is worked off here, each bad reference.
    """
    layered: tuple[config.Layered, ...] = ()
    with scope.collecting():
        layered = scope.layers.plugin_lists(configured.CONFIG_MAPS)
    lists = [
        config.plugins.parse(
            (layer.document.get("data") or {}).get(FILE), source=layer.origin
        )
        for layer in layered
    ]
    lists += _lists_of_the_user(scope)
    if not lists and not scope.inputs.images.plugin_installer:
        return None
    for found in lists:
        scope.add_faults(found.faults)
    resolved = config.plugin_references.resolve(lists)
    if scope.inputs.images.plugin_installer:
        scope.add_faults(resolved.faults)
    base = layered[0] if layered else None
    path = _NAME_PATH if _user_config_map(scope) else _INLINE_PATH
    return Plugins(
        manifest=base.document if base else _EMPTY,
        origin=Origin(source=base.origin, key=KEY) if base else Origin(path=path),
        merged=config.plugins.merge(lists),
        resolved=config.plugins.merge(resolved.lists),
    )


def parts(scope: Scope, plugins: Plugins | None) -> Iterator[Part]:
    """Yield the ConfigMap and its mount, if any layer has a list."""
    if plugins is None:
        return
    file, text = FILE, ""
    if scope.inputs.images.plugin_installer:
        wanted = config.plugin_packages.of(plugins.resolved)
        scope.add_faults(wanted.faults)
        file, text = PACKAGES, wanted.text
    else:
        text = plugins.merged.written()
    made = DynamicPlugins(
        key=KEY.removesuffix(".yaml"),
        instance=scope.instance,
        manifest=plugins.manifest,
        file=file,
        text=text,
    )
    name = made.ref.name
    path = pod_template.joined(scope.directory(naming.PLUGINS_CONTAINER), file)
    yield Part(
        objects=(made,),
        contribution=PodContribution(
            origin=plugins.origin,
            containers=ContainerFilter((naming.PLUGINS_CONTAINER,)),
            mounts=(
                Mount(
                    kind=CONFIG_MAP,
                    name=name,
                    path=path,
                    sub_path=file,
                    read_only=True,
                ),
            ),
            variables=tuple(_variables(scope, path)),
        ),
        contents=contents_of(CONFIG_MAP, name, {file: text.encode()}),
    )


def _lists_of_the_user(scope: Scope) -> Iterator[PluginList]:
    """Yield the list of the ConfigMap that the specification names, then its own."""
    application = scope.inputs.backstage.spec.application
    if name := _user_config_map(scope):
        with scope.collecting():
            data = scope.content(_NAME_PATH, CONFIG_MAP, name)
            yield config.plugins.parse(
                _text(data.get(FILE)),
                source=f'{_NAME_PATH}: ConfigMap "{name}"',
            )
    if application.dynamic_plugins:
        yield config.plugins.inline(application.dynamic_plugins, path=_INLINE_PATH)


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")


def _user_config_map(scope: Scope) -> str:
    return scope.inputs.backstage.spec.application.dynamic_plugins_config_map_name


def _variables(scope: Scope, path: str) -> Iterator[pod_template.Variable]:
    """Yield where the installer finds its packages, unless the manifest says so."""
    if not scope.inputs.images.plugin_installer:
        return
    container = pod_template.container_named(scope.pod, naming.PLUGINS_CONTAINER) or {}
    if all(entry.get("name") != _INPUT_FILE for entry in container.get("env") or ()):
        yield pod_template.Variable(name=_INPUT_FILE, value=path)
