"""The binaries as their projects release them, each checked against its digest."""

from __future__ import annotations

import hashlib
import platform
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx2
import msgspec

from backstage_op import errors

_TIMEOUT: Final = httpx2.Timeout(30.0, connect=3.0)
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


class Sites(msgspec.Struct, frozen=True, kw_only=True):
    """Where releases are published; another one for tests and mirrors."""

    kubernetes: str = "https://dl.k8s.io/release"
    etcd: str = "https://github.com/etcd-io/etcd/releases/download"
    kwok: str = "https://github.com/kubernetes-sigs/kwok/releases/download"


def fetch(
    name: str,
    versions: dict[str, str],
    folder: Path,
    *,
    sites: Sites,
    on_progress: Callable[[str], None],
) -> Path:
    """Download a binary into a folder, and return it.

    Raises:
        errors.SandboxError: it cannot be reached, or is not what was published.
            Nobody has to mend that: whoever asks builds the binary instead.
    """
    on_progress(f"downloading {name}")
    try:
        with httpx2.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
            return _download(client, sites, name, versions, folder)
    except (ValueError, IndexError, KeyError, tarfile.TarError) as error:
        raise errors.SandboxError(
            f"{name}: what is published there is not a release: {error}"
        ) from error


def _download(
    client: httpx2.Client,
    sites: Sites,
    name: str,
    versions: dict[str, str],
    folder: Path,
) -> Path:
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    if name == "etcd":
        return _etcd(client, sites, versions["etcd"], architecture, folder)
    if name == "kwok":
        base = f"{sites.kwok}/{versions['kwok']}/kwok-linux-{architecture}"
    else:
        base = (
            f"{sites.kubernetes}/{versions['kubernetes']}"
            f"/bin/linux/{architecture}/{name}"
        )
    return _checked(client, base, _published(client, f"{base}.sha256"), folder / name)


def _etcd(
    client: httpx2.Client, sites: Sites, version: str, architecture: str, folder: Path
) -> Path:
    base = f"{sites.etcd}/{version}"
    archive_name = f"etcd-{version}-linux-{architecture}.tar.gz"
    published = {
        name: digest
        for digest, name in (
            line.split() for line in _text(client, f"{base}/SHA256SUMS").splitlines()
        )
    }
    if archive_name not in published:
        raise errors.SandboxError(f"{base}/SHA256SUMS: has no {archive_name}")
    archive = folder / archive_name
    _checked(client, f"{base}/{archive_name}", published[archive_name], archive)
    with tarfile.open(archive) as tar:
        member = f"etcd-{version}-linux-{architecture}/etcd"
        source = tar.extractfile(member)
        if source is None:
            raise errors.SandboxError(f"{archive_name}: has no {member}")
        (folder / "etcd").write_bytes(source.read())
    archive.unlink()
    return folder / "etcd"


def _published(client: httpx2.Client, url: str) -> str:
    return _text(client, url).split()[0]


def _text(client: httpx2.Client, url: str) -> str:
    try:
        return client.get(url).raise_for_status().text
    except httpx2.HTTPError as error:
        raise errors.SandboxError(
            f"{url}: {str(error) or type(error).__name__}"
        ) from error


def _checked(client: httpx2.Client, url: str, published: str, path: Path) -> Path:
    digest = hashlib.sha256()
    try:
        with client.stream("GET", url) as response, path.open("wb") as file:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                digest.update(chunk)
                file.write(chunk)
    except httpx2.HTTPError as error:
        raise errors.SandboxError(
            f"{url}: {str(error) or type(error).__name__}"
        ) from error
    if digest.hexdigest() != published:
        path.unlink()
        raise errors.SandboxError(
            f"{url}: has digest {digest.hexdigest()}, published is {published}"
        )
    return path
