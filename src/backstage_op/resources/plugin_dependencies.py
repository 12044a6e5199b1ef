"""Objects of the cluster that enabled plugins need.

They may be of any kind. Those in the namespace of the instance have its owner
reference; those elsewhere cannot, and belong to it by labels. Nothing needs
them, so that one that cannot be made holds nothing else back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Final

from backstage_op import config, errors
from backstage_op.config.plugins import PluginList
from backstage_op.document import Document, ObjectRef
from backstage_op.graph import Need

from . import configured, database, local_database, naming
from .base import Lifecycle, RuntimeObject
from .pod_template import SECRET
from .scope import Scope

KEY: Final = config.plugin_manifests.FOLDER

_JOB: Final = ("batch/v1", "Job")
_TTL: Final = "ttlSecondsAfterFinished"


class PluginDependency(RuntimeObject, frozen=True, kw_only=True):
    """One object that plugins need.

    ``origin`` is the file that it is in, as messages name it.
    """

    manifest: Document
    origin: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.ref})"

    @property
    def ref(self) -> ObjectRef:
        """The identity of the object, as if its kind had namespaces."""
        metadata = self.manifest["metadata"]
        return ObjectRef(
            self.manifest["apiVersion"],
            self.manifest["kind"],
            metadata.get("namespace") or self.instance.namespace,
            metadata["name"],
        )

    def desired(self) -> Document:
        """Return the manifest as an object of the instance."""
        ref, instance = self.ref, self.instance
        is_near = ref.namespace == instance.namespace
        document = naming.stamped(self.manifest, instance, ref.name, owned=is_near)
        if not is_near:
            document["metadata"]["namespace"] = ref.namespace
            document["metadata"]["labels"] |= naming.distant_labels(instance)
        return document


class DistantDependency(PluginDependency, frozen=True, kw_only=True):
    """An object in another namespace than that of the instance."""

    lifecycle: ClassVar[Lifecycle] = Lifecycle.LABELED


class PluginJob(PluginDependency, frozen=True, kw_only=True):
    """A Job. It runs once: what is there is left alone, whatever the manifest says.

    It is kept when it has finished: were it removed, it would be made, and run,
    again.
    """

    lifecycle: ClassVar[Lifecycle] = Lifecycle.CREATE_ONCE

    def desired(self) -> Document:
        """Return the Job without the time after which it would remove itself."""
        document = super().desired()
        document.get("spec", {}).pop(_TTL, None)
        return document


def objects(
    scope: Scope, plugins: PluginList | None, *, needs: tuple[Need, ...]
) -> Iterator[RuntimeObject]:
    """Yield the objects that the enabled plugins of a list refer to.

    A reference that no file belongs to leads to nothing, so that a list can be
    used where an administrator has not prepared what its plugins could use.

    Args:
        scope: The computation.
        plugins: All plugins, without references; None if no layer has a list.
        needs: What has to be there before any of the objects.
    """
    if plugins is None:
        return
    source = f"default configuration ({scope.inputs.default.source})"
    files = scope.inputs.default.plugin_dependencies
    found: dict[str, str] = {}
    for file in _files(plugins, files):
        path = f"{config.plugin_manifests.FOLDER}/{file}"
        origin = f"{source}, file {path}"
        with scope.collecting():
            documents = config.plugin_manifests.load(
                files[file], file, _values(scope), source=source
            )
            for document in documents:
                manifest = _stored(document, source, path)
                made = _made(scope, manifest, origin, needs)
                if made.key in found:
                    raise errors.ManifestError(
                        source,
                        path,
                        f"{made.ref} is in {found[made.key]} too; remove one",
                    )
                found[made.key] = file
                yield made


def _files(plugins: PluginList, files: Iterable[str]) -> Iterator[str]:
    """Return the files that enabled plugins refer to, each once, in their order."""
    names = list(files)
    refs = dict.fromkeys(
        dependency["ref"]
        for entry in plugins.plugins
        if config.plugins.is_enabled(entry)
        for dependency in entry.get("dependencies") or ()
    )
    wanted = (
        name for ref in refs for name in config.plugin_manifests.names_of(ref, names)
    )
    yield from dict.fromkeys(wanted)


def _stored(manifest: Document, source: str, path: str) -> Document:
    """Return a manifest of a file as the API server would store it.

    Raises:
        errors.ManifestError: it is a Secret, and an entry is not base64.
    """
    if manifest["kind"] != SECRET:
        return manifest
    try:
        return configured.encoded(manifest, source, path)
    except errors.ManifestError as error:
        which = f'{SECRET} "{manifest["metadata"]["name"]}"'
        raise errors.ManifestError(source, path, f"{which}: {error.detail}") from None


def _made(
    scope: Scope, manifest: Document, origin: str, needs: tuple[Need, ...]
) -> PluginDependency:
    instance = scope.instance
    metadata = manifest["metadata"]
    namespace = metadata.get("namespace") or instance.namespace
    is_near = namespace == instance.namespace
    key = f"{KEY}/{manifest['kind']}/{metadata['name']}"
    made = PluginDependency if is_near else DistantDependency
    if (manifest["apiVersion"], manifest["kind"]) == _JOB:
        made = PluginJob
    return made(
        key=key if is_near else f"{key}/{namespace}",
        instance=instance,
        manifest=manifest,
        origin=origin,
        needs=needs,
    )


def _values(scope: Scope) -> Mapping[str, str]:
    """Return what placeholders stand for, without those that stand for nothing."""
    instance = scope.instance
    values = {"backstage-name": instance.name, "backstage-ns": instance.namespace}
    if secret := database.secret_name(scope.inputs, instance):
        values["backstage-db-secret"] = secret
    if scope.inputs.backstage.spec.database.enable_local_db:
        values["backstage-db-host"] = naming.database_name(instance.name)
        values["backstage-db-port"] = str(local_database.port(scope))
    return values
