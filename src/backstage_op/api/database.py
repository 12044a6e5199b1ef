"""The database: the operator's own PostgreSQL, or one of the user's."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from . import rules
from .references import DataKey, OptionalName, SpecStruct

_RESOURCES: Final[dict[str, Any]] = {
    "properties": {
        part: {
            "type": "object",
            "description": f"{part.capitalize()} by resource, such as cpu or memory.",
            "additionalProperties": {
                "x-kubernetes-int-or-string": True,
                "anyOf": [{"type": "integer"}, {"type": "string"}],
                "pattern": rules.QUANTITY.pattern,
            },
            "maxProperties": 32,
        }
        for part in ("requests", "limits")
    },
}
"""Requests and limits of a container."""


class LocalStorage(SpecStruct, frozen=True, kw_only=True):
    """The claim of the local database, as it is made; it never changes later."""

    size: Annotated[
        Annotated[str, rules.QUANTITY.meta()],
        Meta(
            description="Size of the claim, such as 10Gi. Default: that of the "
            "configuration (1Gi)."
        ),
    ] = ""
    storage_class_name: Annotated[
        OptionalName,
        Meta(
            description="Name of the StorageClass. Default: that of the configuration, "
            "else the default class of the cluster."
        ),
    ] = ""


class LocalDatabase(SpecStruct, frozen=True, kw_only=True):
    """The operator's own PostgreSQL."""

    image: Annotated[
        Annotated[str, rules.IMAGE.meta()],
        Meta(description="Image of PostgreSQL. Default: that of the configuration."),
    ] = ""
    storage: Annotated[
        LocalStorage, Meta(description="The claim that holds the data.")
    ] = LocalStorage()
    resources: Annotated[
        dict[str, Any],
        Meta(
            description="requests and limits of the container, as in a pod. "
            "Default: those of the configuration.",
            extra={"schema": _RESOURCES},
        ),
    ] = msgspec.field(default_factory=dict)


class CertificateAuthority(SpecStruct, frozen=True, kw_only=True):
    """Where the certificates of the authorities are, PEM: a ConfigMap or a Secret."""

    config_map_name: Annotated[
        OptionalName, Meta(description="Name of a ConfigMap. Excludes secretName.")
    ] = ""
    secret_name: Annotated[
        OptionalName, Meta(description="Name of a Secret. Excludes configMapName.")
    ] = ""
    key: Annotated[
        DataKey, Meta(description="Key of the certificates. Default: ca.crt.")
    ] = "ca.crt"


class ExternalDatabase(SpecStruct, frozen=True, kw_only=True):
    """How an external database is reached; used where enableLocalDb is false."""

    ssl_mode: Annotated[
        Literal[
            "", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"
        ],
        Meta(
            description="PGSSLMODE of the connection, as libpq knows it: disable, "
            "allow, prefer, require, verify-ca or verify-full. Default: not set."
        ),
    ] = ""
    ca: Annotated[
        CertificateAuthority,
        Meta(
            description="Authorities that the server's certificate is checked against: "
            "mounted, and named in PGSSLROOTCERT and NODE_EXTRA_CA_CERTS. Default: "
            "none.",
            extra={
                "validations": [
                    {
                        "rule": "!(has(self.configMapName) && self.configMapName != '' "
                        "&& has(self.secretName) && self.secretName != '')",
                        "message": "configMapName and secretName exclude one another: "
                        "remove one",
                    }
                ]
            },
        ),
    ] = CertificateAuthority()


class Database(SpecStruct, frozen=True, kw_only=True):
    """The database: the operator's own PostgreSQL, or one of the user's."""

    enable_local_db: Annotated[
        bool,
        Meta(
            description="Whether the operator runs a PostgreSQL for this instance. "
            "False: an external one is used. Default: true.",
            extra={"schema": {"default": True}},
        ),
    ] = True
    auth_secret_name: Annotated[
        OptionalName,
        Meta(
            description="Name of a Secret with POSTGRES_HOST, POSTGRES_PORT, "
            "POSTGRES_USER and POSTGRES_PASSWORD, for the local database also "
            "POSTGRESQL_ADMIN_PASSWORD. Default: generated for the local database, "
            "none for an external one."
        ),
    ] = ""
    local: Annotated[
        LocalDatabase, Meta(description="The operator's own PostgreSQL.")
    ] = LocalDatabase()
    external: Annotated[
        ExternalDatabase, Meta(description="The connection to an external database.")
    ] = ExternalDatabase()
