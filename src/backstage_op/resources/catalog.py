"""All objects of an instance, in one explicit order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from backstage_op import errors
from backstage_op.document import Document

from . import (
    app_config,
    base_url,
    certificate_authority,
    default_variables,
    dynamic_plugins,
    exposure,
    extra_envs,
    extra_files,
    layering,
    local_database,
    metadata_faults,
    mount_faults,
    network_policy,
    plugin_app_config,
    plugin_dependencies,
    pod_template,
    pvcs,
    workload,
)
from .base import Inputs, RuntimeObject
from .scope import Part, Scope, instance_of

WORKLOAD_KEY: Final = workload.KEY


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance consists of.

    Attributes:
        objects: In the order of the catalog.
        documents: What each is to be, by the object's key.
        faults: What the user must change; the rest may be incomplete then.
        url: The address from outside the cluster, empty if it is not known.
    """

    objects: tuple[RuntimeObject, ...]
    documents: Mapping[str, Document]
    faults: tuple[errors.ConfigError, ...]
    url: str = ""


def compose(inputs: Inputs) -> Composition:
    """Compute every object of an instance; never raises for what a user wrote."""
    faults: list[errors.ConfigError] = [
        *metadata_faults.faults_of(inputs.backstage.spec)
    ]
    instance = instance_of(inputs.backstage)
    layers = layering.layers_of(inputs, instance, faults)
    scope = Scope(inputs, instance, layers, {}, faults)
    manifest = workload.manifest(scope)
    plugins = dynamic_plugins.read(scope)
    parts = tuple(_parts(scope, plugins))
    exposed = exposure.of(scope)
    parts = base_url.written(scope, parts, exposed.url)
    parts += tuple(default_variables.parts(scope, parts))
    objects = [made for part in parts for made in part.objects]
    objects += local_database.objects(scope)
    objects += exposed.objects
    objects += network_policy.objects(scope)
    dependencies = tuple(
        plugin_dependencies.objects(
            scope,
            plugins.resolved if plugins else None,
            needs=tuple(workload.first_start_needs(inputs, objects)),
        )
    )
    contributions = [part.contribution for part in parts if part.contribution]
    if scope.pod:
        faults += pod_template.faults_of(scope.pod, contributions)
        faults += mount_faults.faults_of(scope.pod, contributions)
    if manifest is not None and not faults:
        objects += tuple(workload.objects(scope, manifest, objects, parts))
    # Nothing is mounted from these: the workload does not need them.
    objects += dependencies
    documents: dict[str, Document] = {}
    for made in objects:
        with scope.collecting():
            documents[made.key] = made.desired()
    return Composition(
        objects=tuple(objects),
        documents=documents,
        faults=tuple(faults),
        url=exposed.url,
    )


def _parts(scope: Scope, plugins: dynamic_plugins.Plugins | None) -> Iterator[Part]:
    # The Go operator's order: a later mount or variable replaces an earlier one.
    yield from extra_envs.plain_parts(scope)
    if plugins is not None and scope.inputs.images.plugin_installer:
        yield from plugin_app_config.parts(scope, plugins.resolved)
    yield from app_config.parts(scope)
    yield from extra_envs.config_map_parts(scope)
    yield from extra_files.config_map_parts(scope)
    yield from local_database.parts(scope)
    yield from certificate_authority.parts(scope)
    yield from dynamic_plugins.parts(scope, plugins)
    yield from pvcs.parts(scope)
    yield from extra_envs.secret_parts(scope)
    yield from extra_files.secret_parts(scope)
