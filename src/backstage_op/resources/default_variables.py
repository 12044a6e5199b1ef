"""Variables of the operator for what nothing else sets: they never win."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from backstage_op.document import Document

from . import (
    backend_secret,
    certificate_authority,
    config_files,
    environment,
    naming,
    pod_template,
    proxy,
)
from .base import RuntimeObject
from .pod_template import SECRET, ContainerFilter, Origin, PodContribution, Variable
from .scope import Part, Scope

_ORIGIN: Final = Origin(source="operator", key="environment")


def parts(scope: Scope, parts: Sequence[Part]) -> Iterator[Part]:
    """Yield the variables, container by container.

    ``parts`` are all the others.
    """
    for container in pod_template.containers_of(scope.pod):
        given = environment.of(scope, parts, container)
        wanted = [*proxy.variables(scope.inputs.proxy, scope.instance)]
        objects: tuple[RuntimeObject, ...] = ()
        if container["name"] == naming.BACKEND_CONTAINER:
            wanted += certificate_authority.variables(scope)
            if _needs_secret(scope, parts, given):
                objects = (_secret(scope),)
                name = objects[0].ref.name
                wanted.append(
                    Variable(name=backend_secret.VARIABLE, kind=SECRET, source=name)
                )
        variables = tuple(v for v in wanted if given.leaves_open(v.name))
        if variables:
            yield _part(container, variables, objects)


def _part(
    container: Document,
    variables: tuple[Variable, ...],
    objects: tuple[RuntimeObject, ...],
) -> Part:
    return Part(
        objects=objects,
        contribution=PodContribution(
            origin=_ORIGIN,
            containers=ContainerFilter((container["name"],)),
            variables=variables,
        ),
    )


def _needs_secret(
    scope: Scope, parts: Sequence[Part], given: environment.Given
) -> bool:
    if not given.is_complete or not given.leaves_open(backend_secret.VARIABLE):
        return False
    return backend_secret.is_referred_to(config_files.of(scope, parts))


def _secret(scope: Scope) -> RuntimeObject:
    return backend_secret.BackendSecret(
        key=backend_secret.KEY,
        instance=scope.instance,
        value=scope.inputs.backend_secret,
    )
