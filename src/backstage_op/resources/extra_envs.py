"""Environment variables: configured ConfigMaps and Secrets, and the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from backstage_op import api

from .parts import Part
from .pod_template import (
    CONFIG_MAP,
    SECRET,
    ContainerFilter,
    Environment,
    Origin,
    PodContribution,
    Variable,
)

CONFIG_MAP_KEY: Final = "configmap-envs.yaml"
SECRET_KEY: Final = "secret-envs.yaml"  # noqa: S105 - a file name
PREFIX: Final = "backstage-envs"


def variables(envs: api.ExtraEnvs) -> Iterator[PodContribution]:
    """Return what the variables of a specification add to the pod."""
    for index, env in enumerate(envs.envs):
        yield PodContribution(
            origin=Origin(path=f"spec.application.extraEnvs.envs[{index}].containers"),
            containers=ContainerFilter(env.containers),
            variables=(Variable(name=env.name, value=env.value),),
        )


def configured(part: Part) -> PodContribution:
    """Return what a configured object adds to the pod."""
    return PodContribution(
        origin=part.origin,
        containers=part.containers,
        environments=(Environment(part.kind, part.name),),
    )


def config_maps(envs: api.ExtraEnvs) -> Iterator[PodContribution]:
    """Return what the ConfigMaps of a specification add to the pod."""
    return _injected("configMaps", CONFIG_MAP, envs.config_maps)


def secrets(envs: api.ExtraEnvs) -> Iterator[PodContribution]:
    """Return what the Secrets of a specification add to the pod."""
    return _injected("secrets", SECRET, envs.secrets)


def _injected(
    field: str, kind: str, refs: Sequence[api.EnvObjectRef]
) -> Iterator[PodContribution]:
    for index, ref in enumerate(refs):
        path = f"spec.application.extraEnvs.{field}[{index}].containers"
        variable = Variable(name=ref.key, kind=kind, source=ref.name)
        yield PodContribution(
            origin=Origin(path=path),
            containers=ContainerFilter(ref.containers),
            variables=(variable,) if ref.key else (),
            environments=() if ref.key else (Environment(kind, ref.name),),
        )
