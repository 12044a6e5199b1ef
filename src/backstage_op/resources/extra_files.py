"""Files in the pod: configured ConfigMaps and Secrets, and the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from backstage_op import api, errors

from . import naming
from .base import Inputs
from .parts import Contributed, Part
from .pod_template import (
    CONFIG_MAP,
    SECRET,
    ContainerFilter,
    Mount,
    Origin,
    PodContribution,
    joined,
)
from .references import content_of

CONFIG_MAP_KEY: Final = "configmap-files.yaml"
SECRET_KEY: Final = "secret-files.yaml"  # noqa: S105 - a file name
PREFIX: Final = "backstage-files"

_EACH_FILE: Final = "*"


def configured(part: Part, directory: str) -> Contributed:
    """Return what a configured object adds to the pod.

    The annotations say where: ``mount-path`` is the directory, by default
    ``directory``; ``sub-path`` is empty for a mount of the whole, ``*`` for
    file by file, or the one key to mount.
    """
    target = joined(directory, part.annotation(naming.MOUNT_PATH))
    sub_path = part.annotation(naming.SUB_PATH)
    keys = part.keys()
    if sub_path and sub_path != _EACH_FILE:
        if sub_path not in keys:
            known = ", ".join(keys) or "none"
            return part.origin.error(
                f'{part.kind} "{part.configured_name}": annotation {naming.SUB_PATH} '
                f'is "{sub_path}", which is no key of it; use one of: {known}'
            )
        keys = (sub_path,)
    mounts = (
        file_mounts(part.kind, part.name, target, keys)
        if sub_path
        else (Mount(kind=part.kind, name=part.name, path=target),)
    )
    return PodContribution(
        origin=part.origin, containers=part.containers, mounts=tuple(mounts)
    )


def config_maps(inputs: Inputs, directory: str) -> Iterator[Contributed]:
    """Return what the ConfigMaps of a specification add to the pod."""
    files = inputs.backstage.spec.application.extra_files
    for index, ref in enumerate(files.config_maps):
        path = f"spec.application.extraFiles.configMaps[{index}]"
        yield _mounted(inputs, CONFIG_MAP, ref, path, directory)


def secrets(inputs: Inputs, directory: str) -> Iterator[Contributed]:
    """Return what the Secrets of a specification add to the pod."""
    files = inputs.backstage.spec.application.extra_files
    for index, ref in enumerate(files.secrets):
        path = f"spec.application.extraFiles.secrets[{index}]"
        if ref.key or ref.mount_path:
            yield _mounted(inputs, SECRET, ref, path, directory)
        else:
            yield errors.SpecError(
                path,
                f'Secret "{ref.name}" has neither key nor mountPath; add the key of '
                "the file, or the directory for all of them",
            )


def file_mounts(
    kind: str, name: str, directory: str, keys: Iterable[str]
) -> Iterator[Mount]:
    """Return the mounts of single entries as files of a directory."""
    for key in keys:
        yield Mount(
            kind=kind, name=name, path=joined(directory, key), sub_path=key,
            read_only=True,
        )


def mounts_of(
    kind: str, ref: api.FileObjectRef, directory: str, keys: Iterable[str]
) -> tuple[Mount, ...]:
    """Return how an object of a specification is mounted.

    With a ``key`` as one file, with only a ``mountPath`` as a directory, else
    file by file. ``directory`` is where a relative path begins.
    """
    target = joined(directory, ref.mount_path)
    if ref.key:
        return tuple(file_mounts(kind, ref.name, target, (ref.key,)))
    if ref.mount_path:
        return (Mount(kind=kind, name=ref.name, path=target),)
    return tuple(file_mounts(kind, ref.name, target, sorted(keys)))


def _mounted(
    inputs: Inputs, kind: str, ref: api.FileObjectRef, path: str, directory: str
) -> PodContribution:
    shared = joined(directory, inputs.backstage.spec.application.extra_files.mount_path)
    keys = content_of(inputs, kind, ref.name) or ()
    return PodContribution(
        origin=Origin(path=f"{path}.containers"),
        containers=ContainerFilter(ref.containers),
        mounts=mounts_of(kind, ref, shared, keys),
    )
