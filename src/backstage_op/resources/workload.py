"""The portal's workload: from its manifest, what all parts add, and what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

import msgspec

from backstage_op import api, config, errors
from backstage_op.document import Document, ObjectRef
from backstage_op.graph import Gate, Need

from . import (
    checksum,
    database,
    deployment,
    go_checksum,
    headless_service,
    naming,
    patch,
    plugin_installation,
)
from .base import Inputs, Instance, RuntimeObject
from .pod_template import CLAIM, CONFIG_MAP, SECRET
from .scope import Part, Scope, instance_of, is_idled

KEY: Final = deployment.KEY
_MOUNTED: Final = (CONFIG_MAP, SECRET, CLAIM)


def workload_ref(backstage: api.Backstage) -> ObjectRef:
    """Return the identity of the portal's workload, of the kind that is asked for."""
    return deployment.ref_of(instance_of(backstage), backstage.spec.deployment.kind)


def manifest(scope: Scope) -> config.Layered | None:
    """Return the manifest of the workload, and let the scope know its pod.

    It is of the kind that is asked for, and has the user's patch.
    """
    found: config.Layered | None = None
    with scope.collecting():
        found = scope.layers.one(deployment.CONFIG_KEY, deployment.KINDS)
        if found is None:
            raise errors.ManifestError(
                scope.inputs.default.source,
                deployment.CONFIG_KEY,
                "missing; add the manifest of the portal's Deployment",
            )
        scope.pod = deployment.pod_of(found, deployment.CONFIG_KEY)
        deployment.check_backend(found, scope.pod, deployment.CONFIG_KEY)
        own = naming.app_label(scope.instance.name)
        deployment.check_selector(found, own, deployment.CONFIG_KEY)
        found = _patched(scope, found)
        scope.pod = deployment.pod_of(found, deployment.CONFIG_KEY)
    return found


def _patched(scope: Scope, layered: config.Layered) -> config.Layered:
    inputs = scope.inputs
    document, faults = patch.patched(
        deployment.prepared(
            layered.document,
            inputs.backstage.spec.deployment.kind,
            _overrides(inputs, _catalog_index(scope, layered)),
        ),
        inputs.backstage,
        allow_privileged=inputs.allow_privileged_patches,
    )
    scope.add_faults(faults)
    return msgspec.structs.replace(layered, document=document)


def objects(
    scope: Scope,
    workload: config.Layered,
    objects: Iterable[RuntimeObject],
    parts: Iterable[Part],
) -> Iterator[RuntimeObject]:
    """Yield the key of the digest, and the workload with all parts merged."""
    inputs = scope.inputs
    yield checksum.ChecksumKey(
        key=checksum.KEY, instance=scope.instance, value=inputs.checksum_key
    )
    current = checksum.digest(
        inputs.checksum_key, [c for part in parts for c in part.contents]
    )
    kept = go_checksum.kept(inputs, current)
    service_name = _service_name(scope, workload.document)
    services = tuple(_headless_services(scope.instance, service_name))
    yield from services
    yield deployment.AppDeployment(
        key=deployment.KEY,
        instance=scope.instance,
        manifest=workload.document,
        contributions=tuple(p.contribution for p in parts if p.contribution),
        checksum=kept or current,
        noted_checksum=current if kept else "",
        service_name=service_name,
        is_idled=is_idled(inputs.backstage),
        needs=(*_needs(inputs, objects), *(Need(made.key) for made in services)),
    )


def _service_name(scope: Scope, manifest: Document) -> str:
    """Return the Service that gives the pods of a StatefulSet their host names.

    It cannot be changed: unless another one is asked for, the one that is named
    stays, or none, and only a new StatefulSet gets one of its own.
    """
    if manifest["kind"] != deployment.STATEFUL_SET:
        return ""
    if asked_for := manifest["spec"].get("serviceName"):
        return cast("str", asked_for)
    live = scope.inputs.live_workload
    if live is not None and live.service_name is not None:
        return live.service_name
    return naming.headless_service_name(scope.instance.name)


def _headless_services(
    instance: Instance, service_name: str
) -> Iterator[headless_service.HeadlessService]:
    """Yield the Service of that name, if it is for the operator to make."""
    made = headless_service.HeadlessService(key=headless_service.KEY, instance=instance)
    if made.ref.name == service_name:
        yield made


def first_start_needs(
    inputs: Inputs, objects: Iterable[RuntimeObject]
) -> Iterator[Need]:
    """Yield what has to be ready before an instance starts: its database.

    Only the first start waits: a portal that runs is never held back because
    its database is unwell.
    """
    if not inputs.workload_exists and not is_idled(inputs.backstage):
        for made in objects:
            if made.key == database.STATEFUL_SET_KEY:
                yield Need(made.key, Gate.READY)


def _needs(inputs: Inputs, objects: Iterable[RuntimeObject]) -> Iterator[Need]:
    yield Need(checksum.KEY)
    for made in objects:
        if made.ref.kind in _MOUNTED:
            yield Need(made.key)
    yield from first_start_needs(inputs, objects)


def _overrides(inputs: Inputs, catalog_index: str) -> deployment.Overrides:
    application = inputs.backstage.spec.application
    return deployment.Overrides(
        image=application.image or inputs.images.backstage,
        pull_secrets=tuple(application.image_pull_secrets),
        plugin_installer=inputs.images.plugin_installer,
        catalog_index=catalog_index,
        replicas=application.replicas,
    )


def _catalog_index(scope: Scope, layered: config.Layered) -> str:
    """Return the image with the catalog of plugins, unless a user names one.

    Variables of the specification and its patch come later, and win anyway.
    """
    is_raw = not layered.source
    if is_raw and plugin_installation.names_catalog_index(scope.pod):
        return ""
    return scope.inputs.images.catalog_index
