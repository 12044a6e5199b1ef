"""App-configs: files that the backend reads, each named in a ``--config`` argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backstage_op import api, errors

from . import configured, naming, pod_template
from .pod_template import CONFIG_MAP, ContainerFilter, Mount, Origin, PodContribution
from .scope import Part, Scope, contents_of

_PREFIX: Final = "backstage-appconfig"
_KEY: Final = "app-config.yaml"


def parts(scope: Scope) -> Iterator[Part]:
    """Yield the app-configs of the configuration, then those of the specification."""
    directory = scope.directory(naming.BACKEND_CONTAINER)
    for layered in scope.many(_KEY, configured.CONFIG_MAPS):
        with scope.collecting():
            found = configured.of(_PREFIX, _KEY, layered, scope.instance)
            origin = Origin(source=layered.origin, key=_KEY)
            yield _configured_part(found, directory, origin)
    spec = scope.inputs.backstage.spec.application.app_config
    directory = pod_template.joined(directory, spec.mount_path)
    for number, ref in enumerate(spec.config_maps):
        path = f"spec.application.appConfig.configMaps[{number}]"
        with scope.collecting():
            yield _referenced_part(scope, ref, directory, path)


def _configured_part(
    found: configured.ConfiguredObject, directory: str, origin: Origin
) -> Part:
    data = configured.data_of(found)
    files = {key: pod_template.joined(directory, key) for key in data}
    return Part(
        objects=(found,),
        contribution=PodContribution(
            origin=origin,
            mounts=tuple(
                Mount(
                    kind=CONFIG_MAP,
                    name=found.name,
                    path=path,
                    sub_path=key,
                    read_only=True,
                )
                for key, path in files.items()
            ),
            config_files=tuple(files.values()),
        ),
        contents=contents_of(CONFIG_MAP, found.name, data),
    )


def _referenced_part(
    scope: Scope, ref: api.FileObjectRef, directory: str, path: str
) -> Part:
    data = scope.content(path, CONFIG_MAP, ref.name, ref.key)
    if len(data) != 1:
        found = ", ".join(sorted(data)) or "none"
        raise errors.InvalidReferenceError(
            path,
            f'ConfigMap "{ref.name}" has {len(data)} entries ({found}); '
            "name one of them in key, or leave one in it",
        )
    (key,) = data
    scope.check_text(path, CONFIG_MAP, ref.name, key)
    directory = pod_template.joined(directory, ref.mount_path)
    file = pod_template.joined(directory, key)
    is_directory = bool(ref.mount_path) and not ref.key
    mount = Mount(
        kind=CONFIG_MAP,
        name=ref.name,
        path=directory if is_directory else file,
        sub_path="" if is_directory else key,
        read_only=not is_directory,
    )
    return Part(
        contribution=PodContribution(
            origin=Origin(path=path),
            containers=ContainerFilter(tuple(ref.containers)),
            mounts=(mount,),
            config_files=(file,),
        ),
        contents=() if is_directory else contents_of(CONFIG_MAP, ref.name, data),
    )
