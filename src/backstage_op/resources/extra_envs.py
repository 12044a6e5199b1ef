"""Environment variables: from the configuration, from ConfigMaps and Secrets, plain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backstage_op import api, errors

from . import configured, naming
from .base import Kinds
from .pod_template import (
    CONFIG_MAP,
    ContainerFilter,
    Environment,
    Origin,
    PodContribution,
    Variable,
)
from .scope import Part, Scope, contents_of

_PREFIX: Final = "backstage-envs"


def plain_parts(scope: Scope) -> Iterator[Part]:
    """Yield the variables that the specification gives values for."""
    envs = scope.inputs.backstage.spec.application.extra_envs.envs
    for number, env in enumerate(envs):
        yield Part(
            contribution=PodContribution(
                origin=Origin(path=f"spec.application.extraEnvs.envs[{number}]"),
                containers=ContainerFilter(tuple(env.containers)),
                variables=(Variable(name=env.name, value=env.value),),
            )
        )


def config_map_parts(scope: Scope) -> Iterator[Part]:
    """Yield the ConfigMaps that become variables: configured, then referenced."""
    refs = scope.inputs.backstage.spec.application.extra_envs.config_maps
    key = "configmap-envs.yaml"
    yield from _configured(scope, key, configured.CONFIG_MAPS)
    yield from _referenced(scope, CONFIG_MAP, refs, "configMaps")


def secret_parts(scope: Scope) -> Iterator[Part]:
    """Yield the Secrets that become variables: configured, then referenced."""
    refs = scope.inputs.backstage.spec.application.extra_envs.secrets
    yield from _configured(scope, "secret-envs.yaml", configured.SECRETS)
    yield from _referenced(scope, "Secret", refs, "secrets")


def _configured(scope: Scope, key: str, kinds: Kinds) -> Iterator[Part]:
    for layered in scope.many(key, kinds):
        with scope.collecting():
            found = configured.of(_PREFIX, key, layered, scope.instance)
            containers = configured.annotation_of(found, naming.CONTAINERS) or ""
            kind = found.ref.kind
            yield Part(
                objects=(found,),
                contribution=PodContribution(
                    origin=Origin(source=layered.origin, key=key),
                    containers=ContainerFilter.of_annotation(containers),
                    environments=(Environment(kind, found.name),),
                ),
                contents=contents_of(kind, found.name, configured.data_of(found)),
            )


def _referenced(
    scope: Scope, kind: str, refs: tuple[api.EnvObjectRef, ...], field: str
) -> Iterator[Part]:
    for number, ref in enumerate(refs):
        path = f"spec.application.extraEnvs.{field}[{number}]"
        with scope.collecting():
            data = scope.content(path, kind, ref.name, ref.key)
            if ref.key in scope.binary_keys(kind, ref.name):
                raise errors.InvalidReferenceError(
                    path,
                    f'{kind} "{ref.name}", key "{ref.key}": binaryData cannot be a '
                    "variable; put the value into data",
                )
            variables = (
                (Variable(name=ref.key, kind=kind, source=ref.name),) if ref.key else ()
            )
            environments = () if ref.key else (Environment(kind, ref.name),)
            yield Part(
                contribution=PodContribution(
                    origin=Origin(path=path),
                    containers=ContainerFilter(tuple(ref.containers)),
                    variables=variables,
                    environments=environments,
                ),
                contents=contents_of(kind, ref.name, data),
            )
