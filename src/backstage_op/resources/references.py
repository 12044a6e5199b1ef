"""Which objects of the user a specification names."""

from __future__ import annotations

import msgspec

from backstage_op import api

from .base import Source
from .pod_template import CONFIG_MAP, SECRET


class References(msgspec.Struct, frozen=True, kw_only=True):
    """Objects in the namespace of the resource, each once, in order of mention."""

    sources: tuple[Source, ...]
    claims: tuple[str, ...]


def references_of(backstage: api.Backstage) -> References:
    """Return the ConfigMaps, Secrets and claims that a specification names."""
    spec = backstage.spec
    application = spec.application
    raw = spec.raw_runtime_config
    authority = spec.database.external.ca
    config_maps = [
        *(ref.name for ref in application.app_config.config_maps),
        application.dynamic_plugins_config_map_name,
        *(ref.name for ref in application.extra_files.config_maps),
        *(ref.name for ref in application.extra_envs.config_maps),
        raw.backstage_config,
        raw.local_db_config,
        authority.config_map_name,
    ]
    secrets = [
        *(ref.name for ref in application.extra_files.secrets),
        *(ref.name for ref in application.extra_envs.secrets),
        spec.database.auth_secret_name,
        authority.secret_name,
    ]
    sources = [Source(CONFIG_MAP, name) for name in config_maps if name]
    sources += [Source(SECRET, name) for name in secrets if name]
    claims = [ref.name for ref in application.extra_files.pvcs]
    return References(
        sources=tuple(dict.fromkeys(sources)), claims=tuple(dict.fromkeys(claims))
    )
