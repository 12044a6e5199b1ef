"""Files: from the configuration, and from ConfigMaps and Secrets of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from backstage_op import api, errors

from . import configured, naming, pod_template
from .base import Kinds
from .pod_template import (
    CONFIG_MAP,
    SECRET,
    ContainerFilter,
    Mount,
    Origin,
    PodContribution,
)
from .scope import Part, Scope, contents_of

_PREFIX: Final = "backstage-files"
_EACH: Final = "*"


def config_map_parts(scope: Scope) -> Iterator[Part]:
    """Yield the ConfigMaps that become files: configured, then referenced."""
    refs = scope.inputs.backstage.spec.application.extra_files.config_maps
    key = "configmap-files.yaml"
    yield from _configured(scope, key, configured.CONFIG_MAPS)
    yield from _referenced(scope, CONFIG_MAP, refs, "configMaps")


def secret_parts(scope: Scope) -> Iterator[Part]:
    """Yield the Secrets that become files: configured, then referenced."""
    refs = scope.inputs.backstage.spec.application.extra_files.secrets
    yield from _configured(scope, "secret-files.yaml", configured.SECRETS)
    yield from _referenced(scope, SECRET, refs, "secrets")


def _configured(scope: Scope, key: str, kinds: Kinds) -> Iterator[Part]:
    root = scope.directory(naming.BACKEND_CONTAINER)
    for layered in scope.many(key, kinds):
        with scope.collecting():
            found = configured.of(_PREFIX, key, layered, scope.instance)
            annotated = configured.annotation_of(found, naming.MOUNT_PATH) or ""
            containers = configured.annotation_of(found, naming.CONTAINERS) or ""
            sub_path = configured.annotation_of(found, naming.SUB_PATH) or ""
            directory = pod_template.joined(root, annotated)
            data = configured.data_of(found)
            kind = found.ref.kind
            if sub_path and sub_path != _EACH:
                if sub_path not in data:
                    raise errors.ManifestError(
                        layered.origin,
                        key,
                        f'annotation {naming.SUB_PATH}: no entry "{sub_path}" in '
                        f'{kind} "{found.manifest["metadata"]["name"]}"; name one',
                    )
                data = {k: v for k, v in data.items() if k == sub_path}
            mounts = (
                _files(kind, found.name, directory, data)
                if sub_path
                else (Mount(kind=kind, name=found.name, path=directory),)
            )
            yield Part(
                objects=(found,),
                contribution=PodContribution(
                    origin=Origin(source=layered.origin, key=key),
                    containers=ContainerFilter.of_annotation(containers),
                    mounts=mounts,
                ),
                contents=contents_of(kind, found.name, data) if sub_path else (),
            )


def _referenced(
    scope: Scope, kind: str, refs: tuple[api.FileObjectRef, ...], field: str
) -> Iterator[Part]:
    shared = scope.inputs.backstage.spec.application.extra_files.mount_path
    root = pod_template.joined(scope.directory(naming.BACKEND_CONTAINER), shared)
    for number, ref in enumerate(refs):
        path = f"spec.application.extraFiles.{field}[{number}]"
        with scope.collecting():
            data = scope.content(path, kind, ref.name, ref.key)
            directory = pod_template.joined(root, ref.mount_path)
            is_directory = bool(ref.mount_path) and not ref.key
            mounts = (
                (Mount(kind=kind, name=ref.name, path=directory),)
                if is_directory
                else _files(kind, ref.name, directory, data)
            )
            yield Part(
                contribution=PodContribution(
                    origin=Origin(path=path),
                    containers=ContainerFilter(tuple(ref.containers)),
                    mounts=mounts,
                ),
                contents=() if is_directory else contents_of(kind, ref.name, data),
            )


def _files(
    kind: str, name: str, directory: str, data: Mapping[str, bytes]
) -> tuple[Mount, ...]:
    return tuple(
        Mount(
            kind=kind,
            name=name,
            path=pod_template.joined(directory, key),
            sub_path=key,
            read_only=True,
        )
        for key in sorted(data)
    )
