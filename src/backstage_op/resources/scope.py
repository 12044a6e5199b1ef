"""What the objects of one instance are computed in: inputs, layers, and faults.

Faults are collected, so that a user who made five mistakes reads of five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import final

import msgspec

from backstage_op import config, errors
from backstage_op.document import Document

from . import pod_template
from .base import Inputs, Instance, Kinds, RuntimeObject, Source
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
        """
        namespace = self.instance.namespace
        found = self.inputs.sources.get(Source(kind, name))
        if found is None:
            raise errors.MissingReferenceError(path, kind, name, namespace)
        if not key:
            return found.data
        if key not in found.data:
            raise errors.MissingReferenceError(path, kind, name, namespace, key)
        return {key: found.data[key]}

    def directory(self, container: str) -> str:
        """Return where relative paths begin in a container."""
        return pod_template.working_directory(
            pod_template.container_named(self.pod, container)
        )


def contents_of(kind: str, name: str, data: Mapping[str, bytes]) -> tuple[Content, ...]:
    """Return the entries of an object as contents of the digest."""
    return tuple(Content(kind, name, key, value) for key, value in data.items())
