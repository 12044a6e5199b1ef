"""All objects of an instance, in one explicit order, and the edges between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from backstage_op import api, config, errors
from backstage_op.document import Document
from backstage_op.graph import Gate, Need

from . import (
    app_config,
    checksum,
    database,
    deployment,
    dynamic_plugins,
    extra_envs,
    extra_files,
    naming,
    pod_template,
    pvcs,
    route,
    service,
)
from .base import Inputs, Instance, RuntimeObject
from .pod_template import CONFIG_MAP, SECRET, Environment, Origin, PodContribution
from .scope import Part, Scope, contents_of

WORKLOAD_KEY: Final = deployment.KEY
_NOT_MOUNTED: Final = (
    checksum.KEY,
    database.SERVICE_KEY,
    route.KEY,
    service.KEY,
)
_NO_POD: Final[Document] = {}


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance consists of.

    Attributes:
        objects: In the order of the catalog.
        documents: What each is to be, by the object's key.
        faults: What the user must change; the rest may be incomplete then.
    """

    objects: tuple[RuntimeObject, ...]
    documents: Mapping[str, Document]
    faults: tuple[errors.ConfigError, ...]


def instance_of(backstage: api.Backstage) -> Instance:
    """Return whom the objects of a resource belong to."""
    metadata = backstage.metadata
    return Instance(metadata.name, metadata.namespace, metadata.uid)


def is_idled(backstage: api.Backstage) -> bool:
    """Tell whether a resource asks for no pods, by its annotation."""
    return backstage.metadata.annotations.get(naming.IDLE) == "true"


def unhandled_fields(backstage: api.Backstage) -> tuple[str, ...]:
    """Return the fields that a specification sets and this version ignores."""
    spec = backstage.spec
    fields = {
        "spec.deployment.patch": bool(spec.deployment.patch),
        "spec.deployment.kind": spec.deployment.kind == "StatefulSet",
        "spec.monitoring.enabled": spec.monitoring.enabled,
        "spec.application.dynamicPlugins": bool(spec.application.dynamic_plugins),
    }
    return tuple(path for path, is_set in fields.items() if is_set)


def compose(inputs: Inputs) -> Composition:
    """Compute every object of an instance; never raises for what a user wrote."""
    faults: list[errors.ConfigError] = [
        errors.SpecError(path, "not supported by this version yet; remove it")
        for path in unhandled_fields(inputs.backstage)
    ]
    instance = instance_of(inputs.backstage)
    scope = Scope(inputs, instance, _layers(inputs, instance, faults), _NO_POD, faults)
    workload = _workload_manifest(scope)
    with scope.collecting():
        if workload is not None:
            scope.pod = deployment.pod_of(workload, deployment.CONFIG_KEY)
            deployment.check_backend(workload, scope.pod, deployment.CONFIG_KEY)
    parts = tuple(_parts(scope))
    objects = [made for part in parts for made in part.objects]
    objects += _database_objects(scope)
    objects += _exposure_objects(scope)
    contributions = [part.contribution for part in parts if part.contribution]
    if scope.pod:
        faults += pod_template.faults_of(scope.pod, contributions)
    if workload is not None and not faults:
        objects += _workload_objects(scope, workload, objects, parts)
    documents: dict[str, Document] = {}
    for made in objects:
        with scope.collecting():
            documents[made.key] = made.desired()
    return Composition(
        objects=tuple(objects), documents=documents, faults=tuple(faults)
    )


def _layers(
    inputs: Inputs, instance: Instance, faults: list[errors.ConfigError]
) -> config.Layers:
    flavours: tuple[config.Flavour, ...] = ()
    try:
        flavours = config.flavours.select(
            inputs.default.flavours, inputs.backstage.spec.flavours
        )
    except errors.ConfigError as error:
        faults.append(error)
    scope = Scope(
        inputs,
        instance,
        config.resolve(inputs.default, platform_suffix=inputs.platform.suffix),
        _NO_POD,
        faults,
    )
    raw: dict[str, str] = {}
    origins: dict[str, str] = {}
    names = inputs.backstage.spec.raw_runtime_config
    for field, name in (
        ("backstageConfig", names.backstage_config),
        ("localDbConfig", names.local_db_config),
    ):
        path = f"spec.rawRuntimeConfig.{field}"
        with scope.collecting():
            if name:
                data = scope.content(path, CONFIG_MAP, name)
                files = {k: v.decode("utf-8", "replace") for k, v in data.items()}
                raw |= files
                origins |= dict.fromkeys(files, f'ConfigMap "{name}"')
    layers = config.resolve(
        inputs.default,
        flavours=flavours,
        platform_suffix=inputs.platform.suffix,
        raw=raw,
        raw_origin=origins,
    )
    faults += layers.faults
    return layers


def _parts(scope: Scope) -> Iterator[Part]:
    # The Go operator's order: a later mount or variable replaces an earlier one.
    yield from extra_envs.plain_parts(scope)
    yield from app_config.parts(scope)
    yield from extra_envs.config_map_parts(scope)
    yield from extra_files.config_map_parts(scope)
    yield from _database_part(scope)
    yield from dynamic_plugins.parts(scope)
    yield from pvcs.parts(scope)
    yield from extra_envs.secret_parts(scope)
    yield from extra_files.secret_parts(scope)


def _database_part(scope: Scope) -> Iterator[Part]:
    """Yield how the portal learns where the database is."""
    path = "spec.database.authSecretName"
    name = database.secret_name(scope.inputs, scope.instance)
    if not name:
        return
    contents: tuple[checksum.Content, ...] = ()
    with scope.collecting():
        if scope.inputs.backstage.spec.database.auth_secret_name:
            contents = contents_of(SECRET, name, scope.content(path, SECRET, name))
        yield Part(
            contribution=PodContribution(
                origin=Origin(path=path), environments=(Environment(SECRET, name),)
            ),
            contents=contents,
        )


def _database_objects(scope: Scope) -> Iterator[RuntimeObject]:
    spec = scope.inputs.backstage.spec.database
    if not spec.enable_local_db:
        return
    found: dict[str, config.Layered] = {}
    for key, kinds in database.KINDS.items():
        with scope.collecting():
            layered = scope.layers.one(key, kinds)
            if layered is not None:
                found[key] = layered
    instance = scope.instance
    if not spec.auth_secret_name:
        secret = found.get(database.SECRET_CONFIG_KEY)
        yield database.DatabaseSecret(
            key=database.SECRET_KEY,
            instance=instance,
            manifest=secret.document if secret else database.EMPTY_SECRET,
            password=scope.inputs.database_password,
        )
    if (layered := found.get(database.SERVICE_CONFIG_KEY)) is not None:
        yield database.DatabaseService(
            key=database.SERVICE_KEY, instance=instance, manifest=layered.document
        )
    if (layered := found.get(database.STATEFUL_SET_CONFIG_KEY)) is not None:
        with scope.collecting():
            deployment.pod_of(layered, database.STATEFUL_SET_CONFIG_KEY)
            yield database.DatabaseStatefulSet(
                key=database.STATEFUL_SET_KEY,
                instance=instance,
                manifest=layered.document,
                secret=database.secret_name(scope.inputs, instance),
                image=scope.inputs.images.postgresql,
                is_idled=is_idled(scope.inputs.backstage),
                needs=_database_needs(found, has_secret=not spec.auth_secret_name),
            )


def _database_needs(
    found: Mapping[str, config.Layered], *, has_secret: bool
) -> tuple[Need, ...]:
    needs = []
    if has_secret:
        needs.append(Need(database.SECRET_KEY))
    if database.SERVICE_CONFIG_KEY in found:
        needs.append(Need(database.SERVICE_KEY))
    return tuple(needs)


def _exposure_objects(scope: Scope) -> Iterator[RuntimeObject]:
    has_service = False
    with scope.collecting():
        layered = scope.layers.one(service.CONFIG_KEY, service.KINDS)
        if layered is not None:
            has_service = True
            yield service.AppService(
                key=service.KEY, instance=scope.instance, manifest=layered.document
            )
    spec = scope.inputs.backstage.spec.application.route
    if not scope.inputs.platform.is_openshift or not spec.enabled:
        return
    with scope.collecting():
        layered = scope.layers.one(route.CONFIG_KEY, route.KINDS)
        if layered is not None:
            yield route.AppRoute(
                key=route.KEY,
                instance=scope.instance,
                manifest=layered.document,
                route=spec,
                needs=(Need(service.KEY),) if has_service else (),
            )


def _workload_manifest(scope: Scope) -> config.Layered | None:
    found: config.Layered | None = None
    with scope.collecting():
        found = scope.layers.one(deployment.CONFIG_KEY, deployment.KINDS)
        if found is None:
            raise errors.ManifestError(
                scope.inputs.default.source,
                deployment.CONFIG_KEY,
                "missing; add the manifest of the portal's Deployment",
            )
    return found


def _workload_objects(
    scope: Scope,
    workload: config.Layered,
    objects: Iterable[RuntimeObject],
    parts: Iterable[Part],
) -> Iterator[RuntimeObject]:
    inputs = scope.inputs
    yield checksum.ChecksumKey(
        key=checksum.KEY, instance=scope.instance, value=inputs.checksum_key
    )
    yield deployment.AppDeployment(
        key=deployment.KEY,
        instance=scope.instance,
        manifest=workload.document,
        contributions=tuple(p.contribution for p in parts if p.contribution),
        checksum=checksum.digest(
            inputs.checksum_key, [c for part in parts for c in part.contents]
        ),
        overrides=_overrides(inputs),
        needs=tuple(_workload_needs(inputs, objects)),
    )


def _workload_needs(inputs: Inputs, objects: Iterable[RuntimeObject]) -> Iterator[Need]:
    yield Need(checksum.KEY)
    for made in objects:
        if made.key == database.STATEFUL_SET_KEY:
            # Only the first start waits for the database: a portal that runs
            # is never held back because its database is unwell.
            if not inputs.workload_exists and not is_idled(inputs.backstage):
                yield Need(made.key, Gate.READY)
        elif made.key not in _NOT_MOUNTED:
            yield Need(made.key)


def _overrides(inputs: Inputs) -> deployment.Overrides:
    application = inputs.backstage.spec.application
    return deployment.Overrides(
        image=application.image or inputs.images.backstage,
        pull_secrets=tuple(application.image_pull_secrets),
        replicas=0 if is_idled(inputs.backstage) else application.replicas,
    )
