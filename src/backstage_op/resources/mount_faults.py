"""Mounts that the specification asks for and that cannot be right.

Only entries of the specification are judged, against one another: over what the
configuration mounts they win, as a later entry of the configuration does over an
earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backstage_op import errors
from backstage_op.document import Document

from . import pod_template
from .pod_template import CLAIM, Mount, Origin, PodContribution


def faults_of(
    pod: Document, contributions: Sequence[PodContribution]
) -> tuple[errors.ConfigError, ...]:
    """Return what is wrong with the mounts that the specification asks for.

    What names an unknown container is not judged; that is a fault of its own.
    """
    found: list[errors.ConfigError] = []
    taken: dict[tuple[str, str], tuple[Mount, Origin]] = {}
    for contribution in contributions:
        if not contribution.origin.path:
            continue
        try:
            containers = contribution.containers.select(pod, contribution.origin)
        except errors.ConfigError:
            continue
        for mount in contribution.mounts:
            found += _forbidden(mount, contribution.origin, containers)
            found += _conflicts(mount, contribution.origin, containers, taken)
    return tuple({str(fault): fault for fault in found}.values())


def _forbidden(
    mount: Mount, origin: Origin, containers: Sequence[Document]
) -> Iterator[errors.ConfigError]:
    if mount.sub_path and mount.kind != CLAIM:
        return
    for container in containers:
        root = pod_template.working_directory(container)
        if root == mount.path or root.startswith(f"{mount.path.rstrip('/')}/"):
            yield errors.ForbiddenMountError(
                origin.path,
                f"{mount.path} in container {container['name']} would hide the "
                f"application in {root}; mount into a directory of its own",
            )


def _conflicts(
    mount: Mount,
    origin: Origin,
    containers: Sequence[Document],
    taken: dict[tuple[str, str], tuple[Mount, Origin]],
) -> Iterator[errors.ConfigError]:
    for container in containers:
        place = container["name"], mount.path
        other, by = taken.setdefault(place, (mount, origin))
        if (other.kind, other.name, other.sub_path) != (
            mount.kind,
            mount.name,
            mount.sub_path,
        ):
            yield errors.ConflictingMountsError(
                origin.path,
                f'{mount.kind} "{mount.name}" would be mounted at {mount.path} of '
                f"container {container['name']}, where {by.path} mounts {other.kind} "
                f'"{other.name}"; use another path for one of them',
            )
