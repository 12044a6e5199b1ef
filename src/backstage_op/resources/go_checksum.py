"""The digest of the Go operator, for pods that it started.

Taking over from it must restart nothing. Its digest stays on the pods as long
as it is right, and as long as what it does not cover (what the operator makes
itself) is as it was at the takeover.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from backstage_op import api

from . import naming
from .base import Inputs, Source, SourceData
from .pod_template import CONFIG_MAP, SECRET


def digest(inputs: Inputs) -> str:
    """Return the digest that the Go operator would give the pods.

    It is the SHA-256 of the keys and values, one after the other, of the objects
    that the specification mounts file by file, injects, or reads plugins from.
    """
    found = hashlib.sha256()
    for source in _sources(inputs.backstage.spec.application):
        content = inputs.sources.get(source)
        if content is not None:
            for key in _keys(content):
                found.update(key.encode() + content.data[key])
    return found.hexdigest()


def kept(inputs: Inputs, current: str) -> str:
    """Return the digest that the Go operator gave the pods if they keep it, else "".

    ``current`` is our own digest. It is noted at the takeover, and as soon as it
    changes, the pods get it.
    """
    live = inputs.live_workload
    if live is None or live.checksum != digest(inputs):
        return ""
    is_unchanged = live.noted_checksum in ("", current[: naming.MAX_LABEL])
    return live.checksum if is_unchanged else ""


def _sources(application: api.Application) -> Iterator[Source]:
    files = application.extra_files
    envs = application.extra_envs
    for kind, references in (
        (CONFIG_MAP, application.app_config.config_maps),
        (CONFIG_MAP, files.config_maps),
        (SECRET, files.secrets),
    ):
        for reference in references:
            # A whole directory is the kubelet's to update.
            if not reference.mount_path or reference.key:
                yield Source(kind, reference.name)
    yield from (Source(CONFIG_MAP, env.name) for env in envs.config_maps)
    yield from (Source(SECRET, env.name) for env in envs.secrets)
    if application.dynamic_plugins_config_map_name:
        yield Source(CONFIG_MAP, application.dynamic_plugins_config_map_name)


def _keys(content: SourceData) -> Iterator[str]:
    yield from sorted(content.data.keys() - content.binary)
    yield from sorted(content.binary)
