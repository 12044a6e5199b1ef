"""What the objects of one instance are computed in: inputs, layers, and faults.

Faults are collected, so that a user who made five mistakes reads of five.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import final

import msgspec

from backstage_op import api, config, errors
from backstage_op.document import Document

from . import forbidden_secrets, naming, pod_template
from .base import Inputs, Instance, Kinds, RuntimeObject, Source, SourceData
from .checksum import Content


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one configured object, or one entry of the specification, leads to."""

    objects: tuple[RuntimeObject, ...] = ()
    contribution: pod_template.PodContribution | None = None
    contents: tuple[Content, ...] = ()


@final
class Scope:
    """The computation of one instance's objects.

    Attributes:
        inputs: What was read.
        instance: Whom the objects belong to.
        layers: Where manifests come from.
        pod: The pod spec of the workload, before anything is merged into it.
    """

    def __init__(
        self,
        inputs: Inputs,
        instance: Instance,
        layers: config.Layers,
        pod: Document,
        faults: list[errors.ConfigError],
    ) -> None:
        self.inputs = inputs
        self.instance = instance
        self.layers = layers
        self.pod = pod
        self._faults = faults

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep a fault that is raised inside, and go on after the block."""
        try:
            yield
        except errors.ConfigError as error:
            self._faults.append(error)

    def add_faults(self, faults: Iterable[errors.ConfigError]) -> None:
        """Keep faults that were found without being raised."""
        self._faults.extend(faults)

    def many(self, key: str, kinds: Kinds) -> tuple[config.Layered, ...]:
        """Return the objects of a configuration key; none if it is at fault."""
        try:
            return self.layers.many(key, kinds)
        except errors.ConfigError as error:
            self._faults.append(error)
            return ()

    def content(
        self, path: str, kind: str, name: str, key: str = ""
    ) -> Mapping[str, bytes]:
        """Return the entries of an object that a field names, or only one of them.

        Raises:
            errors.MissingReferenceError: there is no such object or key.
            errors.ForbiddenReferenceError: a Secret that must not reach a pod.
        """
        namespace = self.instance.namespace
        found = self.inputs.sources.get(Source(kind, name))
        if found is None:
            raise errors.MissingReferenceError(path, kind, name, namespace)
        if kind == pod_template.SECRET:
            forbidden_secrets.check_type(path, name, found.type)
        if not key:
            return found.data
        if key not in found.data:
            raise errors.MissingReferenceError(path, kind, name, namespace, key)
        return {key: found.data[key]}

    def check_text(self, path: str, kind: str, name: str, key: str) -> None:
        """Check that an entry that a field leads to is text.

        Raises:
            errors.InvalidReferenceError: it is not UTF-8.
        """
        found = self.inputs.sources.get(Source(kind, name))
        try:
            (found or SourceData({})).data.get(key, b"").decode()
        except UnicodeDecodeError:
            raise errors.InvalidReferenceError(
                path,
                f'{kind} "{name}", key "{key}": not text in UTF-8; correct the entry',
            ) from None

    def binary_keys(self, kind: str, name: str) -> frozenset[str]:
        """Return which entries of an object are ``binaryData``."""
        found = self.inputs.sources.get(Source(kind, name))
        return found.binary if found is not None else frozenset()

    def directory(self, container: str) -> str:
        """Return where relative paths begin in a container."""
        return pod_template.working_directory(
            pod_template.container_named(self.pod, container)
        )


def contents_of(kind: str, name: str, data: Mapping[str, bytes]) -> tuple[Content, ...]:
    """Return the entries of an object as contents of the digest."""
    return tuple(Content(kind, name, key, value) for key, value in data.items())


def instance_of(backstage: api.Backstage) -> Instance:
    """Return whom the objects of a resource belong to."""
    metadata = backstage.metadata
    common = backstage.spec.common_metadata
    return Instance(
        metadata.name,
        metadata.namespace,
        metadata.uid,
        labels=tuple(common.labels.items()),
        annotations=tuple(common.annotations.items()),
    )


def retains(backstage: api.Backstage) -> bool:
    """Tell whether data outlive the wish for them, and the resource."""
    return backstage.spec.deletion_policy == "Retain"


def is_idled(backstage: api.Backstage) -> bool:
    """Tell whether a resource asks for no pods, by its annotation."""
    return backstage.metadata.annotations.get(naming.IDLE) == "true"


def deprecated_fields(backstage: api.Backstage) -> tuple[str, ...]:
    """Return the paths of fields that are set and have a better place."""
    application = backstage.spec.application
    fields = {
        "spec.application.image": bool(application.image),
        "spec.application.replicas": application.replicas is not None,
        "spec.application.imagePullSecrets": bool(application.image_pull_secrets),
    }
    return tuple(path for path, is_set in fields.items() if is_set)
