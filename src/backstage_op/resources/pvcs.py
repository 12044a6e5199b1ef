"""Claims that are mounted into the pod: configured ones, and the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backstage_op import api

from . import naming
from .parts import Part
from .pod_template import (
    CLAIM,
    ContainerFilter,
    Mount,
    Origin,
    PodContribution,
    joined,
)

KEY: Final = "pvcs.yaml"
PREFIX: Final = "backstage-pvcs"


def configured(part: Part, directory: str) -> PodContribution:
    """Return what a configured claim adds to the pod."""
    path = part.annotation(naming.MOUNT_PATH)
    return PodContribution(
        origin=part.origin,
        containers=part.containers,
        mounts=(_mount(part.name, directory, path),),
    )


def of_specification(
    files: api.ExtraFiles, directory: str
) -> Iterator[PodContribution]:
    """Return what the claims of a specification add to the pod."""
    shared = joined(directory, files.mount_path)
    for index, ref in enumerate(files.pvcs):
        yield PodContribution(
            origin=Origin(path=f"spec.application.extraFiles.pvcs[{index}].containers"),
            containers=ContainerFilter(ref.containers),
            mounts=(_mount(ref.name, shared, ref.mount_path),),
        )


def _mount(name: str, directory: str, path: str) -> Mount:
    """Mount at a path; without one, a folder of the claim's name in the directory.

    That folder is one of the claim's too, as the Go operator has it.
    """
    if path:
        return Mount(kind=CLAIM, name=name, path=joined(directory, path))
    folder = naming.volume_label(name)
    return Mount(
        kind=CLAIM, name=name, path=joined(directory, folder), sub_path=folder
    )
