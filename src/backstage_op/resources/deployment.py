"""The Deployment: the portal itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import msgspec

from backstage_op import config, errors
from backstage_op.document import Document, ObjectRef

from . import naming, pod_template, rollout
from .base import Instance, Kinds, Readiness, RuntimeObject

KEY: Final = "deployment"
CONFIG_KEY: Final = "deployment.yaml"
KINDS: Final[Kinds] = (("apps/v1", "Deployment"),)


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What replaces the manifest's values: empty or None leaves them."""

    image: str = ""
    pull_secrets: tuple[str, ...] = ()
    replicas: int | None = None


@final
class AppDeployment(RuntimeObject, frozen=True, kw_only=True):
    """The workload of an instance.

    ``checksum`` is the digest that restarts the pods when it changes.
    """

    manifest: Document
    contributions: Sequence[pod_template.PodContribution]
    checksum: str
    overrides: Overrides

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Deployment."""
        return workload_ref(self.instance)

    def desired(self) -> Document:
        """Return the Deployment with everything merged into its pod.

        Raises:
            errors.ConfigError: a contribution names an unknown container.
        """
        document = naming.stamped(self.manifest, self.instance, self.ref.name)
        spec = document.setdefault("spec", {})
        naming.select(spec, naming.app_label(self.instance.name))
        if self.overrides.replicas is not None:
            spec["replicas"] = self.overrides.replicas
        template = spec["template"]
        annotations = template["metadata"].setdefault("annotations", {})
        annotations[naming.CHECKSUM] = self.checksum
        template["spec"] = pod = pod_template.merged(
            template["spec"], self.contributions
        )
        self._override(pod)
        return document

    def ready(self, live: Document) -> Readiness:
        """Judge by the rollout of the current generation."""
        return rollout.deployment_readiness(live)

    def _override(self, pod: Document) -> None:
        for name in (naming.BACKEND_CONTAINER, naming.PLUGINS_CONTAINER):
            container = pod_template.container_named(pod, name)
            if container is not None and self.overrides.image:
                container["image"] = self.overrides.image
        if self.overrides.pull_secrets:
            pod["imagePullSecrets"] = [
                {"name": name} for name in self.overrides.pull_secrets
            ]


def workload_ref(instance: Instance) -> ObjectRef:
    """Return the identity of the portal's workload."""
    name = naming.app_name(instance.name)
    return ObjectRef("apps/v1", "Deployment", instance.namespace, name)


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
