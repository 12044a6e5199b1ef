"""The app-config that plugins bring along, where the operator works their list off.

It is what the init container of the portal's image would write: the
``pluginConfig`` of every enabled plugin, merged, and where the portal finds
the plugins. Every other app-config wins over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, final

from backstage_op import config
from backstage_op.config.plugins import PluginList
from backstage_op.document import Document, ObjectRef, copied

from . import naming, pod_template
from .base import RuntimeObject
from .pod_template import CONFIG_MAP, Mount, Origin, PodContribution
from .scope import Part, Scope, contents_of

KEY: Final = "plugin-app-config"
FILE: Final = "app-config.dynamic-plugins.yaml"
_PATH: Final = "spec.application.dynamicPlugins"
_ROOT: Final = {"dynamicPlugins": {"rootDirectory": "dynamic-plugins-root"}}


@final
class PluginAppConfig(RuntimeObject, frozen=True, kw_only=True):
    """The ConfigMap with what plugins say about the app-config."""

    text: str

    @property
    def ref(self) -> ObjectRef:
        """The identity of the ConfigMap."""
        name = naming.plugin_app_config_name(self.instance.name)
        return ObjectRef("v1", CONFIG_MAP, self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the ConfigMap with the file as its only entry."""
        manifest: Document = {
            "apiVersion": "v1",
            "kind": CONFIG_MAP,
            "data": {FILE: self.text},
        }
        return naming.stamped(manifest, self.instance, self.ref.name)


def parts(scope: Scope, plugins: PluginList) -> Iterator[Part]:
    """Yield the ConfigMap, and how the portal reads it."""
    text = config.manifests.dump(merged(plugins))
    made = PluginAppConfig(key=KEY, instance=scope.instance, text=text)
    name = made.ref.name
    path = pod_template.joined(scope.directory(naming.BACKEND_CONTAINER), FILE)
    yield Part(
        objects=(made,),
        contribution=PodContribution(
            origin=Origin(path=_PATH),
            mounts=(
                Mount(
                    kind=CONFIG_MAP,
                    name=name,
                    path=path,
                    sub_path=FILE,
                    read_only=True,
                ),
            ),
            config_files=(path,),
        ),
        contents=contents_of(CONFIG_MAP, name, {FILE: text.encode()}),
    )


def merged(plugins: PluginList) -> dict[str, Any]:
    """Return the configuration of all enabled plugins, a later one winning.

    Objects are merged, at any depth; everything else is replaced.
    """
    content: dict[str, Any] = copied(_ROOT)
    for entry in plugins.plugins:
        if config.plugins.is_enabled(entry):
            _merge(content, entry.get("pluginConfig") or {})
    return content


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        below = into.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _merge(below, value)
        else:
            into[key] = copied(value)
