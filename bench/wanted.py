"""What the bare client sends: the documents that the operator itself computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from backstage_op import api, config, kube, operator, resources
from backstage_op.document import Document
from backstage_op.resources import database

from .process import BenchError

PROFILE: Final = config.PROFILES[0]

_REVISION: Final = "revision-of-the-pods"

IsReady: TypeAlias = Callable[[Document], bool]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One write, encoded. ``is_apply``: server-side apply, else a POST."""

    kind: kube.ResourceKind
    namespace: str
    name: str
    is_apply: bool
    body: bytes
    is_ready: IsReady

    def rolled_out(self, revision: str) -> Request:
        """Return the same write, of another revision of the pods."""
        body = self.body.replace(_REVISION.encode(), revision.encode())
        return msgspec.structs.replace(self, body=body)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The writes of one instance: database, portal, and all that go before.

    ``others`` may be sent at once, together with ``database``; ``portal`` is
    the Deployment, and is sent when the database is ready.
    """

    others: tuple[Request, ...]
    database: Request
    portal: Request

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.others) + 2


async def compute(client: kube.Client, namespace: str, name: str) -> Wanted:
    """Compute the objects of an instance with an empty specification.

    They belong to a ConfigMap, which is made for them, as those of the operator
    belong to a ``Backstage``: to know the owner of each costs a cluster something.
    Labels are left out, so that the operator does not look at the objects.
    """
    owner = await client.apply(
        {
            "apiVersion": kube.CONFIG_MAP.api_version,
            "kind": kube.CONFIG_MAP.kind,
            "metadata": {"name": f"owner-of-{name}", "namespace": namespace},
        }
    )
    environment = operator.Environment(
        default=config.DefaultConfig.shipped(PROFILE),
        platform=await operator.platform_of(client),
    )
    gatherer = operator.Gatherer(client, operator.DirectLive(client), environment)
    backstage = api.decode(backstage_document(namespace, name, uid="bench"))
    gathered = await gatherer.gather(backstage)
    composition = resources.compose(gathered.inputs)
    if composition.faults:
        raise BenchError(f"faults in the shipped configuration: {composition.faults}")
    template = composition.documents[resources.WORKLOAD_KEY]["spec"]["template"]
    template["metadata"].setdefault("annotations", {})["bench"] = _REVISION
    requests = {
        made.key: _request(made, composition.documents[made.key], owner)
        for made in composition.objects
    }
    portal = requests.pop(resources.WORKLOAD_KEY)
    stateful_set = requests.pop(database.STATEFUL_SET_KEY)
    return Wanted(others=tuple(requests.values()), database=stateful_set, portal=portal)


def backstage_document(namespace: str, name: str, uid: str = "") -> Document:
    """Return a ``Backstage`` that asks for nothing in particular."""
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": kube.BACKSTAGE.api_version,
        "kind": kube.BACKSTAGE.kind,
        "metadata": metadata | ({"uid": uid} if uid else {}),
        "spec": {},
    }


def _request(
    made: resources.RuntimeObject, document: Document, owner: Document
) -> Request:
    metadata = {k: v for k, v in document["metadata"].items() if k != "labels"}
    if "ownerReferences" in metadata:
        metadata["ownerReferences"] = [
            reference
            | {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                # That would need a right to the owner.
                "blockOwnerDeletion": False,
            }
            for reference in metadata["ownerReferences"]
        ]
    return Request(
        kind=kube.kind_of(made.ref),
        namespace=made.ref.namespace,
        name=made.ref.name,
        is_apply=made.lifecycle is resources.Lifecycle.APPLY,
        body=msgspec.json.encode({**document, "metadata": metadata}),
        is_ready=lambda live: made.ready(live).ready,
    )
