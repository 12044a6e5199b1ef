"""Which ConfigMaps, Secrets and claims of the user a specification names.

The order is that of the Go operator's digest: with it, what that operator
computed before a takeover can be computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from backstage_op import api, errors

from .base import Inputs, Source
from .pod_template import CLAIM, CONFIG_MAP, SECRET

PLUGINS_FILE: Final = "dynamic-plugins.yaml"


class Delivery(StrEnum):
    """How the content of an object gets where it is used."""

    FILE = "file"
    """Single files in the pod, which the kubelet never updates: restarts."""
    ENVIRONMENT = "environment"
    """Environment variables: restarts."""
    DIRECTORY = "directory"
    """A directory in the pod, which the kubelet updates: does not restart."""
    OPERATOR = "operator"
    """The operator reads it and makes other objects of it."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """One place in a specification that names an object.

    ``path`` is that place. ``key`` is the entry that must exist, empty for none
    in particular.
    """

    path: str
    kind: str
    name: str
    key: str = ""
    delivery: Delivery

    @property
    def source(self) -> Source:
        """The object itself."""
        return Source(self.kind, self.name)


class References(msgspec.Struct, frozen=True, kw_only=True):
    """The objects that a specification names, each once, in their order."""

    sources: tuple[Source, ...]
    claims: tuple[str, ...]


def references_of(backstage: api.Backstage) -> References:
    """Return the objects to read before anything is computed."""
    named = sources_of(backstage)
    sources = dict.fromkeys(ref.source for ref in named if ref.kind != CLAIM)
    claims = dict.fromkeys(ref.name for ref in named if ref.kind == CLAIM)
    return References(sources=tuple(sources), claims=tuple(claims))


def sources_of(backstage: api.Backstage) -> tuple[Reference, ...]:
    """Return every reference of a specification, in its order."""
    return (
        *_raw(backstage),
        *_files(backstage),
        *_environments(backstage),
        *_claims(backstage),
        *_plugins(backstage),
        *_database(backstage),
    )


def missing(inputs: Inputs) -> Iterator[errors.MissingReferenceError]:
    """Return what a specification names and the cluster does not have."""
    namespace = inputs.backstage.metadata.namespace
    for ref in sources_of(inputs.backstage):
        if ref.kind == CLAIM:
            if ref.name not in inputs.claims:
                yield errors.MissingReferenceError(
                    ref.path, ref.kind, ref.name, namespace
                )
            continue
        content = inputs.sources.get(ref.source)
        if content is None:
            yield errors.MissingReferenceError(ref.path, ref.kind, ref.name, namespace)
        elif ref.key and ref.key not in content.data:
            yield errors.MissingReferenceError(
                ref.path, ref.kind, ref.name, namespace, ref.key
            )


def content_of(inputs: Inputs, kind: str, name: str) -> Mapping[str, bytes] | None:
    """Return the entries of an object that was read, None if it is absent."""
    found = inputs.sources.get(Source(kind, name))
    return None if found is None else found.data


def _raw(backstage: api.Backstage) -> Iterator[Reference]:
    raw = backstage.spec.raw_runtime_config
    for field, name in (
        ("backstageConfig", raw.backstage_config),
        ("localDbConfig", raw.local_db_config),
    ):
        if name:
            yield Reference(
                path=f"spec.rawRuntimeConfig.{field}",
                kind=CONFIG_MAP,
                name=name,
                delivery=Delivery.OPERATOR,
            )


def _files(backstage: api.Backstage) -> Iterator[Reference]:
    application = backstage.spec.application
    lists: Sequence[tuple[str, str, Sequence[api.FileObjectRef]]] = (
        ("appConfig.configMaps", CONFIG_MAP, application.app_config.config_maps),
        ("extraFiles.configMaps", CONFIG_MAP, application.extra_files.config_maps),
        ("extraFiles.secrets", SECRET, application.extra_files.secrets),
    )
    for field, kind, refs in lists:
        for index, ref in enumerate(refs):
            is_directory = ref.mount_path and not ref.key
            yield Reference(
                path=f"spec.application.{field}[{index}]",
                kind=kind,
                name=ref.name,
                key=ref.key,
                delivery=Delivery.DIRECTORY if is_directory else Delivery.FILE,
            )


def _environments(backstage: api.Backstage) -> Iterator[Reference]:
    envs = backstage.spec.application.extra_envs
    lists: Sequence[tuple[str, str, Sequence[api.EnvObjectRef]]] = (
        ("configMaps", CONFIG_MAP, envs.config_maps),
        ("secrets", SECRET, envs.secrets),
    )
    for field, kind, refs in lists:
        for index, ref in enumerate(refs):
            yield Reference(
                path=f"spec.application.extraEnvs.{field}[{index}]",
                kind=kind,
                name=ref.name,
                key=ref.key,
                delivery=Delivery.ENVIRONMENT,
            )


def _claims(backstage: api.Backstage) -> Iterator[Reference]:
    for index, ref in enumerate(backstage.spec.application.extra_files.pvcs):
        yield Reference(
            path=f"spec.application.extraFiles.pvcs[{index}]",
            kind=CLAIM,
            name=ref.name,
            delivery=Delivery.DIRECTORY,
        )


def _plugins(backstage: api.Backstage) -> Iterator[Reference]:
    if name := backstage.spec.application.dynamic_plugins_config_map_name:
        yield Reference(
            path="spec.application.dynamicPluginsConfigMapName",
            kind=CONFIG_MAP,
            name=name,
            key=PLUGINS_FILE,
            delivery=Delivery.OPERATOR,
        )


def _database(backstage: api.Backstage) -> Iterator[Reference]:
    if name := backstage.spec.database.auth_secret_name:
        yield Reference(
            path="spec.database.authSecretName",
            kind=SECRET,
            name=name,
            delivery=Delivery.ENVIRONMENT,
        )
