"""One instance on a fake API server: its resource, its reconciles, its writes."""

from __future__ import annotations

from typing import Any

from tests.support.apiserver import ApiServer
from tests.support.exchange import Key

from backstage_op import api, config, kube, resources
from backstage_op.document import Document
from backstage_op.operator import Environment, Reconciler, Result

RESOURCE = Key("rhdh.redhat.com/v1alpha5", "backstages", "ns", "my")
DEPLOYMENT = Key("apps/v1", "deployments", "ns", "backstage-my")
DATABASE = Key("apps/v1", "statefulsets", "ns", "backstage-psql-my")
SERVICE = Key("v1", "services", "ns", "backstage-my")
PASSWORD = Key("v1", "secrets", "ns", "backstage-psql-secret-my")
CLAIM = Key("v1", "persistentvolumeclaims", "ns", "data-backstage-psql-my-0")

WITHOUT_DATABASE: Document = {"database": {"enableLocalDb": False}}
LABELS = {"app.kubernetes.io/name": "backstage", "app.kubernetes.io/instance": "my"}

_WRITES = {"create", "apply", "patch", "delete", "replace"}


class Stage:
    """The resource ``my`` in the namespace ``ns``."""

    def __init__(
        self,
        server: ApiServer,
        client: kube.Client,
        *,
        postgresql: str = "",
        reconciler: Reconciler | None = None,
    ) -> None:
        self.server = server
        environment = Environment(
            default=config.DefaultConfig.shipped("backstage.io"),
            platform=resources.Platform(),
            images=resources.Images(postgresql=postgresql),
        )
        self._reconciler = reconciler or Reconciler(client, environment)

    def resource(self, spec: Document | None = None, **metadata: Any) -> str:
        """Store the resource, and return its uid."""
        document = {
            "apiVersion": RESOURCE.api_version,
            "kind": "Backstage",
            "metadata": metadata,
            "spec": WITHOUT_DATABASE if spec is None else spec,
        }
        stored = self.server.put(RESOURCE, document)
        uid: str = stored["metadata"]["uid"]
        return uid

    async def reconcile(self, seen: Document | None = None) -> Result:
        """Reconcile the resource once, and forget what was requested before.

        ``seen`` is what the operator believes the resource to be.
        """
        self.server.requests.clear()
        return await self._reconciler.reconcile(api.decode(seen or self.get(RESOURCE)))

    def get(self, key: Key) -> Document:
        """Return an object that must be there."""
        found = self.server.get(key)
        assert found is not None, f"{key} is absent"
        return found

    def writes(self) -> list[str]:
        """Return what the last reconcile wrote: ``verb plural/name``."""
        return sorted(
            f"{request.verb} {request.key.plural}/{request.key.name}"
            for request in self.server.requests
            if request.verb in _WRITES and not request.subresource
        )

    def finish_rollout(self, key: Key = DEPLOYMENT) -> None:
        """Make a workload say that all its pods are ready."""
        live = self.get(key)
        wanted = live["spec"].get("replicas", 1)
        counts = dict.fromkeys(
            ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
            wanted,
        )
        generation = live["metadata"]["generation"]
        status = {"observedGeneration": generation, **counts}
        self.server.put(key, {**live, "status": status})

    def put_owned(self, key: Key, kind: str, uid: str, **fields: Any) -> Document:
        """Store an object that a resource controls."""
        metadata = {"labels": LABELS, "ownerReferences": [owner(uid)]}
        document = {
            "apiVersion": key.api_version,
            "kind": kind,
            "metadata": metadata,
            **fields,
        }
        return self.server.put(key, document)


def owner(uid: str, *, kind: str = "Backstage", name: str = "my") -> Document:
    """Return a controller reference."""
    return {
        "apiVersion": "rhdh.redhat.com/v1alpha5",
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def conditions(result: Result) -> dict[str, tuple[str, str]]:
    """Return status and reason of each condition."""
    found = result.backstage.status.conditions
    return {c.type: (c.status, c.reason) for c in found}
