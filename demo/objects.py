"""The objects of an instance, and how each of them does just now."""

from __future__ import annotations

from typing import Final, final

import anyio

from backstage_op import api, config, kube, operator, resources, sandbox
from backstage_op.document import Document

_CHANGED_FRAMES: Final = 1


@final
class Objects:
    """What an instance will consist of, by the same library that the operator uses."""

    def __init__(self, box: sandbox.Sandbox, composition: resources.Composition):
        self._box = box
        self._objects = composition.objects
        self._versions: dict[str, str] = {}
        self._frames: dict[str, int] = {}

    @classmethod
    def of(cls, box: sandbox.Sandbox, namespace: str, name: str) -> Objects:
        """Compute the objects of a resource that exists."""

        async def compose() -> resources.Composition:
            async with kube.Client.connect(kube.load(box.kubeconfig)) as client:
                document = await client.get(kube.BACKSTAGE, namespace, name)
                environment = operator.Environment(
                    default=config.DefaultConfig.shipped(config.PROFILES[0]),
                    platform=await operator.platform_of(client),
                )
                gatherer = operator.Gatherer(
                    client, operator.DirectLive(client), environment
                )
                inputs = (await gatherer.gather(api.decode(document))).inputs
                return resources.compose(inputs)

        return cls(box, anyio.run(compose))

    def look(self) -> dict[str, tuple[str, str]]:
        """Return a state and a remark for each object, in the order of the catalog."""
        return {str(made.ref): self._state(made) for made in self._objects}

    def remaining(self) -> list[str]:
        """Return the objects that exist."""
        return [str(made.ref) for made in self._objects if self._get(made) is not None]

    def _get(self, made: resources.RuntimeObject) -> Document | None:
        ref = made.ref
        path = kube.kind_of(ref).path(ref.namespace, ref.name)
        found: Document | None = self._box.admin.get(path)
        return found

    def _state(self, made: resources.RuntimeObject) -> tuple[str, str]:
        live = self._get(made)
        if live is None:
            needs = ", ".join(need.key for need in made.needs)
            return "blocked", f"waits for {needs or 'its turn'}"
        live = {**live, "apiVersion": made.ref.api_version, "kind": made.ref.kind}
        if self._is_news(made.key, live):
            return "changed", ""
        readiness = made.ready(live)
        if readiness.ready:
            return "ok", ""
        return "waiting", readiness.message

    def _is_news(self, key: str, live: Document) -> bool:
        """Tell for some frames that what was applied is new."""
        applied = str(live["metadata"].get("generation", "1"))
        if self._versions.get(key) != applied:
            self._versions[key] = applied
            self._frames[key] = _CHANGED_FRAMES
        self._frames[key] -= 1
        return self._frames[key] >= 0
