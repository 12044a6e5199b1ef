"""What configuration adds to the pod, and how it is merged into a pod template.

Objects never edit the workload: each returns contributions, and the workload
merges them in the order it is given. One object is one volume; a mount replaces
the one at its path, a variable the one of its name, in each container.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from backstage_op import api, errors
from backstage_op.document import Document, copied

from . import naming

CONFIG_MAP: Final = "ConfigMap"
SECRET: Final = "Secret"  # noqa: S105 - the name of a kind
CLAIM: Final = "PersistentVolumeClaim"

_ALL: Final = "*"
_FILE_MODE: Final = 0o644
_LISTS: Final = ("containers", "initContainers")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a contribution was asked for, so that a fault can say so.

    Either ``path``, a field of the custom resource, or ``source`` and ``key``,
    a manifest of a configuration layer.
    """

    path: str = ""
    source: str = ""
    key: str = ""

    def error(
        self, message: str, kind: type[errors.SpecError] = errors.SpecError
    ) -> errors.ConfigError:
        """Return the error that says what is wrong at this place.

        ``kind`` is the class of it, if the place is in the specification.
        """
        if self.path:
            return kind(self.path, message)
        return errors.ManifestError(self.source, self.key, message)


class ContainerFilter(msgspec.Struct, frozen=True):
    """Which containers get something: none named is the backend, ``*`` is all."""

    names: tuple[str, ...] = ()

    @classmethod
    def of_annotation(cls, text: str) -> ContainerFilter:
        """Read the annotation ``rhdh.redhat.com/containers``: a comma list."""
        return cls(tuple(part.strip() for part in text.split(",") if part.strip()))

    def has(self, container: str) -> bool:
        """Tell whether a container is one of them."""
        names = self.names or (naming.BACKEND_CONTAINER,)
        return names == (_ALL,) or container in names

    @property
    def has_backend(self) -> bool:
        """Whether the backend is one of the containers."""
        return self.has(naming.BACKEND_CONTAINER)

    def select(self, pod: Document, origin: Origin) -> list[Document]:
        """Return the containers of a pod spec: containers first, then init ones.

        Raises:
            errors.ConfigError: a name is not the name of a container.
        """
        existing = containers_of(pod)
        if self.names == (_ALL,):
            return existing
        wanted = self.names or (naming.BACKEND_CONTAINER,)
        names = [container.get("name") for container in existing]
        unknown = [f'"{name}"' for name in wanted if name not in names]
        if unknown:
            known = ", ".join(str(name) for name in names) or "none"
            raise origin.error(
                f"container {', '.join(unknown)} not found in the pod; "
                f"use one of: {known}",
                errors.UnknownContainerError,
            )
        return [container for container in existing if container["name"] in wanted]


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A volume of one object, seen at one path of a container.

    With ``sub_path`` it is one file, which the kubelet never updates; without,
    a directory, which it does.
    """

    kind: str
    name: str
    path: str
    sub_path: str = ""
    read_only: bool = False

    def document(self, volume: str) -> Document:
        """Return the entry of ``volumeMounts``."""
        entry: Document = {"name": volume, "mountPath": self.path}
        if self.read_only:
            entry["readOnly"] = True
        if self.sub_path:
            entry["subPath"] = self.sub_path
        return entry


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """An environment variable: a value, or a key of a ConfigMap or Secret."""

    name: str
    value: str = ""
    kind: str = ""
    source: str = ""

    def document(self) -> Document:
        """Return the entry of ``env``."""
        if not self.kind:
            return {"name": self.name, "value": self.value}
        field = "configMapKeyRef" if self.kind == CONFIG_MAP else "secretKeyRef"
        reference = {"name": self.source, "key": self.name}
        return {"name": self.name, "valueFrom": {field: reference}}


class Environment(msgspec.Struct, frozen=True):
    """All entries of a ConfigMap or Secret as environment variables."""

    kind: str
    name: str

    def document(self) -> Document:
        """Return the entry of ``envFrom``."""
        field = "configMapRef" if self.kind == CONFIG_MAP else "secretRef"
        return {field: {"name": self.name}}


class PodContribution(msgspec.Struct, frozen=True, kw_only=True):
    """What one object, or one entry of the specification, adds to the pod.

    ``config_files`` are paths that the backend reads as its app-config, in this
    order, after those it reads already.
    """

    origin: Origin
    containers: ContainerFilter = ContainerFilter()
    mounts: tuple[Mount, ...] = ()
    variables: tuple[Variable, ...] = ()
    environments: tuple[Environment, ...] = ()
    config_files: tuple[str, ...] = ()


def containers_of(pod: Document) -> list[Document]:
    """Return the containers of a pod spec, then its init containers."""
    return [container for field in _LISTS for container in pod.get(field) or ()]


def container_named(pod: Document, name: str) -> Document | None:
    """Return the container or init container of this name, if there is one."""
    return next((c for c in containers_of(pod) if c.get("name") == name), None)


def working_directory(container: Document | None) -> str:
    """Return the absolute directory that relative mount paths begin at."""
    return (container or {}).get("workingDir") or api.DEFAULT_MOUNT_PATH


def joined(directory: str, path: str) -> str:
    """Return ``path`` below ``directory``, or itself where it is absolute."""
    found = posixpath.normpath(posixpath.join(directory, path)) if path else directory
    # POSIX keeps two slashes at the beginning, and a mount path at "//a" is "/a".
    return f"/{found.lstrip('/')}" if found.startswith("//") else found


def faults_of(
    pod: Document, contributions: Iterable[PodContribution]
) -> tuple[errors.ConfigError, ...]:
    """Return what keeps contributions from being merged into a pod spec."""
    faults: list[errors.ConfigError] = []
    for contribution in contributions:
        try:
            contribution.containers.select(pod, contribution.origin)
        except errors.ConfigError as error:
            faults.append(error)
    return tuple(faults)


def merged(pod: Document, contributions: Sequence[PodContribution]) -> Document:
    """Return a copy of a pod spec with the contributions merged in their order.

    Raises:
        errors.ConfigError: a contribution names a container that does not exist.
    """
    pod = copied(pod)
    volumes = _Volumes(pod)
    lists = _Lists()
    for contribution in contributions:
        for mount in contribution.mounts:
            volumes.add(mount.kind, mount.name)
        for container in contribution.containers.select(pod, contribution.origin):
            _merge_into(container, contribution, volumes, lists)
    return pod


class _Volumes:
    """The volumes of a pod: those of the manifest, and one for each object."""

    def __init__(self, pod: Document) -> None:
        self._pod = pod
        self._taken = {volume.get("name"): volume for volume in pod.get("volumes", ())}
        self._names: dict[tuple[str, str], str] = {}

    def add(self, kind: str, name: str) -> None:
        if (kind, name) in self._names:
            return
        label = naming.volume_name(kind, name, self._taken)
        volume = {"name": label} | _volume_source(kind, name)
        self._names[kind, name] = label
        self._taken[label] = volume
        self._pod.setdefault("volumes", []).append(volume)

    def name_of(self, mount: Mount) -> str:
        return self._names[mount.kind, mount.name]


def _volume_source(kind: str, name: str) -> Document:
    if kind == CLAIM:
        return {"persistentVolumeClaim": {"claimName": name}}
    files = {"defaultMode": _FILE_MODE, "optional": False}
    if kind == SECRET:
        return {"secret": {"secretName": name} | files}
    return {"configMap": {"name": name} | files}


class _Lists:
    """The lists of the containers, with an index: thousands of variables are few."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, str], dict[str, int]] = {}

    def put(self, container: Document, field: str, key: str, entry: Document) -> None:
        """Replace the entry with the same key, where it stands, or append."""
        entries: list[Any] = container.setdefault(field, [])
        places = self._places.get((id(container), field))
        if places is None:
            places = self._places[id(container), field] = {}
            for place, existing in enumerate(entries):
                if key in existing:
                    places.setdefault(existing[key], place)
        place = places.setdefault(entry[key], len(entries))
        entries[place : place + 1] = [entry]


def _merge_into(
    container: Document,
    contribution: PodContribution,
    volumes: _Volumes,
    lists: _Lists,
) -> None:
    for mount in contribution.mounts:
        entry = mount.document(volumes.name_of(mount))
        lists.put(container, "volumeMounts", "mountPath", entry)
    for variable in contribution.variables:
        lists.put(container, "env", "name", variable.document())
    for environment in contribution.environments:
        entries = container.setdefault("envFrom", [])
        if environment.document() not in entries:
            entries.append(environment.document())
    if container["name"] == naming.BACKEND_CONTAINER:
        for path in contribution.config_files:
            _read_config(container, path)


def _read_config(container: Document, path: str) -> None:
    """Append ``--config PATH``; a file that is read already moves to the end."""
    arguments: list[str] = container.setdefault("args", [])
    for index in range(len(arguments) - 1):
        if arguments[index : index + 2] == ["--config", path]:
            del arguments[index : index + 2]
            break
    arguments += ["--config", path]
