"""Where the binaries come from: a given folder, the cache, elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backstage_op import errors, settings

NAMES: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)


def obtain(
    *,
    offline: bool,
    assets: Path | None,
    cache: Path | None,
    on_progress: Callable[[str], None],
) -> dict[str, Path]:
    """Return the path of each binary."""
    del offline, on_progress, cache
    folder = assets or settings.SandboxSettings.from_env().assets
    if folder is None:
        raise errors.SandboxError("set KUBEBUILDER_ASSETS")
    found = {name: folder / name for name in NAMES}
    for path in found.values():
        if not os.access(path, os.X_OK):
            raise errors.SandboxError(f"{path} is absent")
    return found
