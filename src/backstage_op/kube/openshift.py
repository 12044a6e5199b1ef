"""The wildcard domain of an OpenShift cluster."""

from __future__ import annotations

import logging
from typing import Final

from backstage_op import errors

from .kinds import CLUSTER_INGRESS
from .reader import Reader

_log: Final = logging.getLogger(__name__)


async def ingress_domain(client: Reader) -> str:
    """Return the domain under which an OpenShift cluster serves, else nothing.

    An operator that is limited to namespaces may not read it: base URLs are
    then left to the configuration.

    Raises:
        errors.KubeError: the API server did not answer as hoped.
    """
    try:
        ingress = await client.get(CLUSTER_INGRESS, "", "cluster")
    except errors.NotFoundError:
        return ""
    except errors.ForbiddenError as error:
        _log.warning("base URLs of routes are not set: %s", error)
        return ""
    domain = (ingress.get("spec") or {}).get("domain")
    return domain if isinstance(domain, str) else ""
