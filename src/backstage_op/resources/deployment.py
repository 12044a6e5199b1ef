"""The workload, the portal itself: a Deployment, or a StatefulSet on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import msgspec

from backstage_op import config, errors
from backstage_op.document import Document, ObjectRef

from . import naming, plugin_installation, pod_template, rollout
from .base import Instance, Kinds, Readiness, RuntimeObject

KEY: Final = "deployment"
CONFIG_KEY: Final = "deployment.yaml"
KINDS: Final[Kinds] = (("apps/v1", "Deployment"),)
STATEFUL_SET: Final = "StatefulSet"

_DEPLOYMENT_ONLY: Final = ("paused", "progressDeadlineSeconds", "strategy")


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What replaces the manifest's values: empty or None leaves them."""

    image: str = ""
    pull_secrets: tuple[str, ...] = ()
    plugin_installer: str = ""
    catalog_index: str = ""
    replicas: int | None = None


@final
class AppDeployment(RuntimeObject, frozen=True, kw_only=True):
    """The workload of an instance: a Deployment, or a StatefulSet.

    ``manifest`` is what :func:`prepared` gives, patched. ``checksum`` is the
    digest that restarts the pods when it changes; where it is not our own, ours is
    the ``noted_checksum``. ``service_name`` is that of a StatefulSet.
    """

    manifest: Document
    contributions: Sequence[pod_template.PodContribution]
    checksum: str
    noted_checksum: str = ""
    service_name: str = ""
    is_idled: bool = False

    @property
    def ref(self) -> ObjectRef:
        """The identity of the workload."""
        return ref_of(self.instance, self.manifest["kind"])

    def desired(self) -> Document:
        """Return the workload with everything merged into its pod.

        Raises:
            errors.ConfigError: a contribution names an unknown container.
        """
        document = naming.stamped(self.manifest, self.instance, self.ref.name)
        if self.noted_checksum:
            # Not an annotation: a Deployment counts each of those as a change.
            noted = {naming.NOTED_CHECKSUM: self.noted_checksum[: naming.MAX_LABEL]}
            document["metadata"]["labels"] |= noted
        spec = document.setdefault("spec", {})
        naming.select(spec, naming.app_label(self.instance.name), self.instance)
        if self.is_idled:
            spec["replicas"] = 0
        if document["kind"] == STATEFUL_SET:
            spec["serviceName"] = self.service_name
        template = spec["template"]
        annotations = template["metadata"].setdefault("annotations", {})
        annotations[naming.CHECKSUM] = self.checksum
        template["spec"] = pod_template.merged(template["spec"], self.contributions)
        return document

    def ready(self, live: Document) -> Readiness:
        """Judge by the rollout of the current generation."""
        if self.manifest["kind"] == STATEFUL_SET:
            return rollout.stateful_set_readiness(live)
        return rollout.deployment_readiness(live)


def ref_of(instance: Instance, kind: str) -> ObjectRef:
    """Return the identity of the portal's workload, if it is of this kind."""
    name = (
        naming.stateful_set_name(instance.name)
        if kind == STATEFUL_SET
        else naming.app_name(instance.name)
    )
    return ObjectRef("apps/v1", kind, instance.namespace, name)


def prepared(manifest: Document, kind: str, overrides: Overrides) -> Document:
    """Return a Deployment's manifest as the kind that is asked for, overridden.

    What a StatefulSet does not have is left out: its rolling update stops a pod
    before it starts the next, which is what ``Recreate`` is asked for.
    """
    document: Document = naming.without_nulls(manifest)
    document["kind"] = kind
    spec = document["spec"]
    if kind == STATEFUL_SET:
        for field in _DEPLOYMENT_ONLY:
            spec.pop(field, None)
    if overrides.replicas is not None:
        spec["replicas"] = overrides.replicas
    pod = spec["template"]["spec"]
    for name in (naming.BACKEND_CONTAINER, naming.PLUGINS_CONTAINER):
        container = pod_template.container_named(pod, name)
        if container is not None and overrides.image:
            container["image"] = overrides.image
    plugin_installation.prepare(
        pod,
        installer=overrides.plugin_installer,
        catalog_index=overrides.catalog_index,
    )
    if overrides.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in overrides.pull_secrets]
    return document


def pod_of(layered: config.Layered, key: str) -> Document:
    """Return the pod spec of a workload's manifest.

    Raises:
        errors.ManifestError: it has none, or no container that we can use.
    """
    template = (layered.document.get("spec") or {}).get("template") or {}
    pod = template.get("spec") if isinstance(template, dict) else None
    names = (
        [c.get("name") for c in pod.get("containers") or ()]
        if isinstance(pod, dict)
        else []
    )
    if not isinstance(pod, dict) or not names:
        raise errors.ManifestError(
            layered.origin, key, "spec.template.spec.containers: empty; add a container"
        )
    return pod


def check_selector(layered: config.Layered, own: dict[str, str], key: str) -> None:
    """Check that a raw manifest selects the pods that it makes.

    The label that the operator selects by is its own, whatever a manifest says.

    Raises:
        errors.ImmutableFieldError: another label of the selector is none of the
            pods', or has another value there.
    """
    if layered.source:
        return  # an administrator's manifest; the API server judges it
    spec = layered.document["spec"]
    selected = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    for name, value in selected.items():
        if value is not None and name not in own and labels.get(name) != value:
            raise errors.ImmutableFieldError(
                f"{layered.origin}, key {key}: spec.selector.matchLabels[{name}]: "
                "the pods have no such label; add it to "
                "spec.template.metadata.labels, or remove it"
            )


def check_backend(layered: config.Layered, pod: Document, key: str) -> None:
    """Check that the portal's container is there.

    Raises:
        errors.ManifestError: no container has the name that marks it.
    """
    if pod_template.container_named(pod, naming.BACKEND_CONTAINER) is None:
        found = ", ".join(str(c.get("name")) for c in pod_template.containers_of(pod))
        raise errors.ManifestError(
            layered.origin,
            key,
            f'no container "{naming.BACKEND_CONTAINER}"; found {found}; '
            "name the portal's container so",
        )
