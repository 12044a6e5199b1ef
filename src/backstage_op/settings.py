"""The environment, read once: the only module that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from . import errors


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the local control plane's binaries are looked for."""

    assets: Path | None = None
    """``KUBEBUILDER_ASSETS``: a folder with some or all of the binaries."""

    cache: Path
    """``$XDG_CACHE_HOME/backstage-op``: what was fetched or built before."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> SandboxSettings:
        """Read the environment of the process, or the one that is given."""
        env = os.environ if environ is None else environ
        assets = env.get("KUBEBUILDER_ASSETS", "")
        base = env.get("XDG_CACHE_HOME", "")
        root = Path(base) if base else Path.home() / ".cache"
        return cls(assets=Path(assets) if assets else None, cache=root / "backstage-op")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator takes from its environment.

    The names are those of the Go operator, so that its manifests keep working.
    """

    local_bin: Path | None = None
    """``LOCALBIN``: the folder that holds ``default-config`` and ``plugin-deps``."""

    backstage_image: str = ""
    """``RELATED_IMAGE_backstage``: replaces the image of the configuration."""

    postgresql_image: str = ""
    """``RELATED_IMAGE_postgresql``: replaces the image of the configuration."""

    kubeconfig: Path | None = None
    """``KUBECONFIG``: one file. Absent means the ServiceAccount of the pod, or
    ``~/.kube/config`` outside of one."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment of the process, or the one that is given.

        Raises:
            errors.SettingsError: ``KUBECONFIG`` names several files.
        """
        env = os.environ if environ is None else environ
        local_bin = env.get("LOCALBIN", "")
        return cls(
            local_bin=Path(local_bin) if local_bin else None,
            backstage_image=env.get("RELATED_IMAGE_backstage", ""),
            postgresql_image=env.get("RELATED_IMAGE_postgresql", ""),
            kubeconfig=_kubeconfig(env),
        )


def _kubeconfig(env: Mapping[str, str]) -> Path | None:
    paths = [path for path in env.get("KUBECONFIG", "").split(os.pathsep) if path]
    if len(paths) > 1:
        raise errors.SettingsError(
            f"KUBECONFIG names {len(paths)} files; name one, or pass --kubeconfig"
        )
    if paths:
        return Path(paths[0])
    if env.get("KUBERNETES_SERVICE_HOST"):
        return None
    home = Path.home() / ".kube" / "config"
    return home if home.exists() else None
