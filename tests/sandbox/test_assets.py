"""Where binaries come from. No network and no real toolchain is used here."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backstage_op import errors
from backstage_op.sandbox import assets, gobuild, release

NOWHERE = release.Sites(
    kubernetes="http://127.0.0.1:1",
    etcd="http://127.0.0.1:1",
    kwok="http://127.0.0.1:1",
)

# Says its version, or counts the build and writes a script as the binary.
FAKE_GO = """#!/bin/sh
if [ "$1" = env ]; then echo go1.26.8; exit 0; fi
while [ "$1" != -o ]; do shift; done
echo "$3 $GOPROXY" >> "{builds}"
printf '#!/bin/sh\\necho built\\n' > "$2"
"""


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``go`` on PATH; the file it counts its builds in."""
    counted = tmp_path / "builds"
    tools = tmp_path / "tools"
    tools.mkdir()
    go = tools / "go"
    go.write_text(FAKE_GO.format(builds=counted))
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return counted


def obtain(tmp_path: Path, **options: object) -> dict[str, Path]:
    lines: list[str] = []
    defaults = {
        "offline": True,
        "assets": None,
        "cache": tmp_path / "cache",
        "on_progress": lines.append,
        "sites": NOWHERE,
    }
    return assets.obtain(**{**defaults, **options})  # type: ignore[arg-type]


def built(counted: Path) -> list[str]:
    if not counted.exists():
        return []
    return [
        line.split()[0].rsplit("/", 1)[-1] for line in counted.read_text().splitlines()
    ]


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_given_binaries_are_used_and_only_the_others_are_built(
    tmp_path: Path, builds: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for name in ("etcd", "kube-apiserver"):
        executable(given / name)

    found = obtain(tmp_path, assets=given)

    assert sorted(built(builds)) == [
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
    ]
    assert found["etcd"] == given / "etcd"
    assert sorted(found) == sorted(assets.NAMES)


def test_kubectl_is_built_only_if_it_is_asked_for(
    tmp_path: Path, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = tmp_path / "backstage-op"

    assert "kubectl" not in obtain(tmp_path, cache=cache)
    assert assets.stored_kubectl() is None
    found = obtain(tmp_path, cache=cache, with_kubectl=True)

    assert built(builds)[len(assets.NAMES) :] == ["kubectl"]
    assert assets.stored_kubectl() == found["kubectl"]


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path, builds: Path) -> None:
    with pytest.raises(errors.SandboxError, match="no such folder; correct or unset"):
        obtain(tmp_path, assets=tmp_path / "absent")

    assert built(builds) == []


def test_the_second_time_nothing_is_built(tmp_path: Path, builds: Path) -> None:
    first = obtain(tmp_path)
    second = obtain(tmp_path)

    assert second == first
    assert len(built(builds)) == len(assets.NAMES)


def test_a_damaged_or_half_written_binary_is_built_again(
    tmp_path: Path, builds: Path
) -> None:
    found = obtain(tmp_path)
    found["kwok"].write_text("#!/bin/sh\necho other\n")
    found["etcd"].write_bytes(found["etcd"].read_bytes()[:5])

    obtain(tmp_path)

    assert sorted(built(builds)[len(assets.NAMES) :]) == ["kwok", "v3"]
    assert "built" in found["kwok"].read_text()


def test_a_cache_without_its_manifest_is_built_again(
    tmp_path: Path, builds: Path
) -> None:
    found = obtain(tmp_path)
    (found["etcd"].parent / "manifest.json").write_text("{")

    obtain(tmp_path)

    assert len(built(builds)) == 2 * len(assets.NAMES)


def test_offline_lets_the_toolchain_download_nothing(
    tmp_path: Path, builds: Path
) -> None:
    obtain(tmp_path, offline=True)

    assert {line.split()[1] for line in builds.read_text().splitlines()} == {"off"}


def test_two_processes_wait_for_one_build(tmp_path: Path, builds: Path) -> None:
    program = (
        "from pathlib import Path; from backstage_op.sandbox import assets;"
        f"assets.obtain(offline=True, assets=None, cache=Path({str(tmp_path)!r}),"
        " on_progress=lambda line: None)"
    )
    command = [sys.executable, "-c", program]
    processes = [subprocess.Popen(command) for _ in range(2)]

    assert [process.wait() for process in processes] == [0, 0]
    assert len(built(builds)) == len(assets.NAMES)


def test_without_a_toolchain_it_says_what_to_install_before_anything_is_begun(
    tmp_path: Path, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(errors.SandboxError, match=r"install Go 1\.26 or later, or set"):
        obtain(tmp_path)


def test_too_little_disk_is_said_before_anything_is_begun(
    tmp_path: Path, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    with pytest.raises(errors.SandboxError, match="1 GiB free, 6 GiB needed"):
        obtain(tmp_path)

    assert built(builds) == []


def test_what_the_toolchain_says_is_in_the_error(tmp_path: Path, builds: Path) -> None:
    go = tmp_path / "tools" / "go"
    go.write_text(
        '#!/bin/sh\n[ "$1" = env ] && echo go1.26.0 && exit\n'
        "echo 'go: missing go.sum entry' >&2; exit 1\n"
    )

    with pytest.raises(errors.SandboxError, match=r"1/5 etcd.*missing go.sum entry"):
        obtain(tmp_path)


def test_releases_come_first_and_only_with_their_published_digest(
    tmp_path: Path, builds: Path, site: Path
) -> None:
    version = gobuild.versions()["kubernetes"]
    folder = site / version / "bin" / "linux" / "amd64"
    folder.mkdir(parents=True)
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        publish(folder / name, b"released")
    publish(folder / "kube-scheduler", b"released", digest="0" * 64)
    given = tmp_path / "given"
    given.mkdir()
    for name in ("etcd", "kwok"):
        executable(given / name)

    lines: list[str] = []
    found = obtain(
        tmp_path,
        offline=False,
        assets=given,
        sites=release.Sites(kubernetes=served(site)),
        on_progress=lines.append,
    )

    assert found["kube-apiserver"].read_bytes() == b"released"
    assert built(builds) == ["kube-scheduler"]
    assert any("published is 0000" in line for line in lines)


def publish(path: Path, content: bytes, digest: str = "") -> None:
    path.write_bytes(content)
    published = digest or hashlib.sha256(content).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(published)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder that is served on loopback, at the URL in ``SERVED``."""
    root = tmp_path / "site"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    SERVED[root] = f"http://127.0.0.1:{server.server_port}"
    yield root
    server.shutdown()
    thread.join()
    server.server_close()


SERVED: dict[Path, str] = {}


def served(root: Path) -> str:
    return SERVED[root]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return
