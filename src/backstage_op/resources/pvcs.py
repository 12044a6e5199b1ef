"""Claims: those of the configuration are made, those of the user are mounted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from backstage_op import errors

from . import configured, naming, pod_template
from .pod_template import CLAIM, ContainerFilter, Mount, Origin, PodContribution
from .scope import Part, Scope, retains

_PREFIX: Final = "backstage-pvcs"
_KEY: Final = "pvcs.yaml"


def parts(scope: Scope) -> Iterator[Part]:
    """Yield the claims of the configuration, then those of the specification."""
    yield from _configured(scope)
    yield from _referenced(scope)


def _configured(scope: Scope) -> Iterator[Part]:
    root = scope.directory(naming.BACKEND_CONTAINER)
    for layered in scope.many(_KEY, configured.CLAIMS):
        with scope.collecting():
            found = msgspec.structs.replace(
                configured.of(_PREFIX, _KEY, layered, scope.instance),
                owned=not retains(scope.inputs.backstage),
            )
            containers = configured.annotation_of(found, naming.CONTAINERS) or ""
            path = configured.annotation_of(found, naming.MOUNT_PATH)
            path = path or found.manifest["metadata"]["name"]
            mount = Mount(
                kind=CLAIM, name=found.name, path=pod_template.joined(root, path)
            )
            yield Part(
                objects=(found,),
                contribution=PodContribution(
                    origin=Origin(source=layered.origin, key=_KEY),
                    containers=ContainerFilter.of_annotation(containers),
                    mounts=(mount,),
                ),
            )


def _referenced(scope: Scope) -> Iterator[Part]:
    files = scope.inputs.backstage.spec.application.extra_files
    root = pod_template.joined(
        scope.directory(naming.BACKEND_CONTAINER), files.mount_path
    )
    for number, ref in enumerate(files.pvcs):
        path = f"spec.application.extraFiles.pvcs[{number}]"
        with scope.collecting():
            if ref.name not in scope.inputs.claims:
                raise errors.MissingReferenceError(
                    path, CLAIM, ref.name, scope.instance.namespace
                )
            # Without a path the claim is a folder of its own name, as with files.
            mount = Mount(
                kind=CLAIM,
                name=ref.name,
                path=pod_template.joined(root, ref.mount_path or ref.name),
                sub_path="" if ref.mount_path else ref.name,
            )
            yield Part(
                contribution=PodContribution(
                    origin=Origin(path=path),
                    containers=ContainerFilter(tuple(ref.containers)),
                    mounts=(mount,),
                )
            )
