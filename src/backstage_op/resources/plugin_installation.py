"""The init container that installs dynamic plugins, before anything is merged in."""

from __future__ import annotations

from typing import Final

from backstage_op.document import Document

from . import naming, pod_template

CATALOG_INDEX: Final = "CATALOG_INDEX_IMAGE"
"""The variable that names the image with the catalog of plugins."""


def prepare(pod: Document, *, installer: str, catalog_index: str) -> None:
    """Give the init container of a pod spec its images, where there are any.

    Args:
        pod: The pod spec; it is changed.
        installer: The image that installs packages, if the operator works the
            list of plugins off itself.
        catalog_index: The image with the catalog of plugins.
    """
    container = pod_template.container_named(pod, naming.PLUGINS_CONTAINER)
    if container is None:
        return
    if installer:
        _use(container, installer)
        # Its arguments name a file that nobody writes now.
        backend = pod_template.container_named(pod, naming.BACKEND_CONTAINER) or {}
        backend.pop("args", None)
    if catalog_index:
        _set(container, CATALOG_INDEX, catalog_index)


def _use(container: Document, image: str) -> None:
    container["image"] = image
    # What a digest names never changes; a tag may move.
    container["imagePullPolicy"] = "IfNotPresent" if "@" in image else "Always"
    # That of the manifest is the command of another image.
    container.pop("command", None)


def _set(container: Document, name: str, value: str) -> None:
    others = [entry for entry in container.get("env") or () if entry["name"] != name]
    container["env"] = [*others, {"name": name, "value": value}]


def names_catalog_index(pod: Document) -> bool:
    """Tell whether the init container of a pod spec names a catalog of plugins."""
    container = pod_template.container_named(pod, naming.PLUGINS_CONTAINER) or {}
    return any(
        entry.get("name") == CATALOG_INDEX for entry in container.get("env") or ()
    )
