"""Every image that the shipped configuration or this package can ask for.

Whoever mirrors images reads this table: each is replaced by a variable of the
operator, with a digest or without, and what it holds is used as it is.
"""

from __future__ import annotations

from typing import Final

import msgspec


class RelatedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image of an instance's pods.

    Attributes:
        variable: The variable of the operator that replaces it.
        purpose: What it is for.
        shipped: What the shipped profiles name, if the variable is not set.
    """

    variable: str
    purpose: str
    shipped: tuple[str, ...] = ()


TABLE: Final = (
    RelatedImage(
        variable="RELATED_IMAGE_backstage",
        purpose="the portal, and the init container that installs its plugins",
        shipped=(
            "quay.io/rhdh/rhdh-hub-rhel9:1.8",
            "ghcr.io/backstage/backstage:1.38.1",
        ),
    ),
    RelatedImage(
        variable="RELATED_IMAGE_postgresql",
        purpose="the local database",
        shipped=(
            "registry.redhat.io/rhel9/postgresql-15:latest",
            "quay.io/fedora/postgresql-15:latest",
        ),
    ),
    RelatedImage(
        variable="RELATED_IMAGE_catalog_index",
        purpose="the catalog of plugins that the init container reads",
    ),
    RelatedImage(
        variable="INSTALL_DP_IMAGE",
        purpose="the installer of plugins, where the operator works off their lists",
    ),
)
