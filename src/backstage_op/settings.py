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

    watched: str = ""
    """``WATCH_NAMESPACE``: namespaces to watch, with commas; empty means all."""

    catalog_index_image: str = ""
    """``RELATED_IMAGE_catalog_index``: the catalog of plugins."""

    http_proxy: str = ""
    """``HTTP_PROXY`` or ``http_proxy``: handed on to the portal's containers."""

    https_proxy: str = ""
    """``HTTPS_PROXY`` or ``https_proxy``: handed on to the portal's containers."""

    no_proxy: str = ""
    """``NO_PROXY`` or ``no_proxy``: handed on, with what is inside of the cluster."""

    pod_namespace: str = ""
    """``POD_NAMESPACE``: where the Lease is, unless a flag says so."""

    plugin_installer: str = ""
    """``INSTALL_DP_IMAGE`` if ``OPERATOR_DP_PROCESSING`` is true: the operator works
    the lists of dynamic plugins off, and this image installs the packages."""

    allow_privileged_patches: bool = False
    """``ALLOW_PRIVILEGED_PATCHES``: ``true`` lets ``spec.deployment.patch`` give the
    pod what a namespace's policy usually refuses (host namespaces, privileged
    containers, another ServiceAccount). Off, because whoever may write a
    ``Backstage`` could otherwise do more than its namespace allows."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment of the process, or the one that is given.

        Raises:
            errors.SettingsError: a variable that is true or false is neither, or
                there is no image to install plugins with.
        """
        env = os.environ if environ is None else environ
        local_bin = env.get("LOCALBIN", "")
        return cls(
            local_bin=Path(local_bin) if local_bin else None,
            backstage_image=env.get("RELATED_IMAGE_backstage", ""),
            postgresql_image=env.get("RELATED_IMAGE_postgresql", ""),
            watched=env.get("WATCH_NAMESPACE", ""),
            catalog_index_image=env.get("RELATED_IMAGE_catalog_index", ""),
            http_proxy=_either(env, "HTTP_PROXY"),
            https_proxy=_either(env, "HTTPS_PROXY"),
            no_proxy=_either(env, "NO_PROXY"),
            pod_namespace=env.get("POD_NAMESPACE", ""),
            plugin_installer=_plugin_installer(env),
            allow_privileged_patches=_is_on(env, "ALLOW_PRIVILEGED_PATCHES"),
        )


def kubeconfig_from_env(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that ``KUBECONFIG`` names, or ``~/.kube/config``.

    None means the ServiceAccount of the pod. It is asked for only where a cluster
    is, and no flag names a file.

    Raises:
        errors.SettingsError: it names several files.
    """
    env = os.environ if environ is None else environ
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


def _either(env: Mapping[str, str], name: str) -> str:
    return env.get(name) or env.get(name.lower(), "")


def _is_on(env: Mapping[str, str], name: str) -> bool:
    """Return what a variable that is true or false says; empty means false."""
    value = env.get(name, "")
    if value.lower() not in ("", "true", "false"):
        # Anything else would be off in silence, or on against somebody's will.
        raise errors.SettingsError(
            f'{name}: expected true or false, found "{value}"; set it to one of them, '
            "or remove it"
        )
    return value.lower() == "true"


def _plugin_installer(env: Mapping[str, str]) -> str:
    if not _is_on(env, "OPERATOR_DP_PROCESSING"):
        return ""
    image = env.get("INSTALL_DP_IMAGE", "")
    if not image:
        raise errors.SettingsError(
            "OPERATOR_DP_PROCESSING is true and INSTALL_DP_IMAGE is empty; "
            "set it to the image of the plugin installer"
        )
    return image
