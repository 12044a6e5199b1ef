"""How the portal trusts an external database, and asks it for TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backstage_op import api

from .pod_template import (
    CONFIG_MAP,
    SECRET,
    Mount,
    Origin,
    PodContribution,
    Variable,
)
from .scope import Part, Scope, contents_of

_PATH: Final = "spec.database.external.ca"
_FILE: Final = "/etc/backstage/database-ca.crt"


def parts(scope: Scope) -> Iterator[Part]:
    """Yield the certificates as a file, if there are any."""
    authority = _external(scope).ca
    kind = CONFIG_MAP if authority.config_map_name else SECRET
    name = authority.config_map_name or authority.secret_name
    if not name:
        return
    with scope.collecting():
        data = scope.content(_PATH, kind, name, authority.key)
        mount = Mount(
            kind=kind, name=name, path=_FILE, sub_path=authority.key, read_only=True
        )
        yield Part(
            contribution=PodContribution(origin=Origin(path=_PATH), mounts=(mount,)),
            contents=contents_of(kind, name, data),
        )


def variables(scope: Scope) -> Iterator[Variable]:
    """Yield what makes the portal use TLS, unless something else says how."""
    external = _external(scope)
    if external.ssl_mode:
        yield Variable(name="PGSSLMODE", value=external.ssl_mode)
    if external.ca.config_map_name or external.ca.secret_name:
        yield Variable(name="PGSSLROOTCERT", value=_FILE)
        yield Variable(name="NODE_EXTRA_CA_CERTS", value=_FILE)


def _external(scope: Scope) -> api.ExternalDatabase:
    database = scope.inputs.backstage.spec.database
    return api.ExternalDatabase() if database.enable_local_db else database.external
