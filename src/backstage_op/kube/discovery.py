"""What the cluster offers: its API groups, and its wildcard domain."""

from __future__ import annotations

from backstage_op import errors

from .client import Client
from .kinds import CLUSTER_INGRESS


async def discover(client: Client) -> frozenset[str]:
    """Return the names of the API groups that are served.

    Raises:
        errors.KubeError: the API server did not answer as hoped.
    """
    return await client.api_groups()


async def ingress_domain(client: Client) -> str:
    """Return the domain under which an OpenShift cluster serves, else nothing.

    Raises:
        errors.KubeError: it exists and cannot be read.
    """
    try:
        ingress = await client.get(CLUSTER_INGRESS, "", "cluster")
    except errors.NotFoundError:
        return ""
    domain = (ingress.get("spec") or {}).get("domain")
    return domain if isinstance(domain, str) else ""
