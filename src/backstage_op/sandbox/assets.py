"""Where the binaries come from: a given folder, the cache, a release, a build."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from backstage_op import errors, settings

from . import gobuild, release
from .store import Store

NAMES: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)
"""What a control plane is made of."""

KUBECTL: Final = "kubectl"
"""A tool that people and tests use; no control plane needs it."""


def obtain(
    *,
    offline: bool,
    on_progress: Callable[[str], None],
    assets: Path | None = None,
    cache: Path | None = None,
    sites: release.Sites | None = None,
    with_kubectl: bool = False,
) -> dict[str, Path]:
    """Return the path of each binary, fetching or building what is missing.

    In this order: ``assets`` (or ``KUBEBUILDER_ASSETS``), which may hold only
    some of them; the cache; the official releases, unless ``offline``; a build
    from the pinned Go module. Processes that need the same wait for one.
    ``kubectl`` is one of them only if asked for.

    Raises:
        errors.SandboxError: one cannot be had; says what to install.
    """
    found_settings = settings.SandboxSettings.from_env()
    folder = assets or found_settings.assets
    store = Store(cache or found_settings.cache, _versions_key())
    names = (*NAMES, KUBECTL) if with_kubectl else NAMES
    found = _given(folder, names)
    found |= _stored(store, names, found)
    if len(found) == len(names):
        return found
    with store.locked() as waited:
        if waited:
            on_progress("another process made the binaries, looking again")
        store.sweep()
        found |= _stored(store, names, found)
        missing = [name for name in names if name not in found]
        if missing and not offline:
            found |= _fetched(store, missing, sites or release.Sites(), on_progress)
            missing = [name for name in names if name not in found]
        if missing:
            gobuild.check(store.folder)
            gobuild.build(
                missing,
                store.folder,
                offline=offline,
                on_built=lambda name, path: found.update({name: store.put(name, path)}),
                on_progress=on_progress,
            )
    return found


def stored_kubectl() -> Path | None:
    """Return the ``kubectl`` that was given, fetched or built before, if any was."""
    found = settings.SandboxSettings.from_env()
    store = Store(found.cache, _versions_key())
    return (_given(found.assets, (KUBECTL,)) | _stored(store, (KUBECTL,), {})).get(
        KUBECTL
    )


def _given(folder: Path | None, names: Iterable[str]) -> dict[str, Path]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise errors.SandboxError(
            f"KUBEBUILDER_ASSETS {folder}: no such folder; correct or unset it"
        )
    return {name: folder / name for name in names if os.access(folder / name, os.X_OK)}


def _stored(
    store: Store, names: Iterable[str], found: dict[str, Path]
) -> dict[str, Path]:
    paths = {name: store.find(name) for name in names if name not in found}
    return {name: path for name, path in paths.items() if path is not None}


def _fetched(
    store: Store,
    missing: list[str],
    sites: release.Sites,
    on_progress: Callable[[str], None],
) -> dict[str, Path]:
    """Download what can be; the first failure ends the attempt."""
    found: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=store.folder) as place:
        for name in missing:
            try:
                path = release.fetch(
                    name,
                    gobuild.versions(),
                    Path(place),
                    sites=sites,
                    on_progress=on_progress,
                )
            except errors.SandboxError as error:
                on_progress(f"no official release, building instead: {error}")
                break
            found[name] = store.put(name, path)
    return found


def _versions_key() -> str:
    """Return a name for what a build would give: versions, flags, machine."""
    digest = hashlib.sha256(platform.machine().encode())
    for name in ("go.mod", "go.sum"):
        digest.update((gobuild.MODULE / name).read_bytes())
    digest.update(repr(gobuild.FLAGS).encode())
    return f"{gobuild.versions()['kubernetes']}-{digest.hexdigest()[:12]}"
