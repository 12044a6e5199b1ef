"""Container images: found, built, and loaded into the nodes of a kind cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import zlib
from pathlib import Path
from typing import Final, final

from backstage_op.document import Document

_ROOT: Final = Path(__file__).parents[2]
_ENGINES: Final = ("docker", "podman")
_SECONDS: Final = 900.0


def _run(*command: str) -> str:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        cwd=_ROOT,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@final
class Engine:
    """The container engine of this machine, the one that kind uses."""

    def __init__(self, directory: Path) -> None:
        self._program = _answering()
        self._directory = directory

    def build(self, base: str) -> str:
        """Build the operator's image, and return its name."""
        name = "localhost/backstage-op:latest"
        # The host's network: what reaches the package index here, does so there.
        options = ["--network=host", "--file", "Containerfile", "--tag", name]
        if base:
            options += ["--build-arg", f"BASE={self.named(base)}"]
        _run(self._program, "build", *options, ".")
        # Another image has another name, so that a kept cluster takes it.
        return self.tagged(name, f"localhost/backstage-op:{self._identity(name)[:12]}")

    def named(self, image: str) -> str:
        """Return the name of an image, which the engine then has.

        An archive is loaded; a name that is not there is pulled.
        """
        if _is_archive(image):
            _run(self._program, "load", "--input", image)
            return archived_name(Path(image))
        if not self._has(image):
            _run(self._program, "pull", image)
        return image

    def tagged(self, image: str, name: str) -> str:
        """Give an image another name too, and return that."""
        _run(self._program, "tag", image, name)
        return name

    def added_bytes(self, image: str, base: str) -> int:
        """Return how much an image adds to its base, compressed.

        The last layers of the archive are those that the base does not have.
        """
        below = len(self._layers(self.named(base)))
        return sum(_gzipped(self.archive(image), below))

    def archive(self, image: str) -> Path:
        """Return an image as an archive."""
        if _is_archive(image):
            return Path(image)
        name = "".join(c if c.isalnum() else "-" for c in self.named(image))
        path = self._directory / f"{name}.tar"
        if not path.exists():
            _run(self._program, "save", "--output", str(path), image)
        return path

    def _has(self, image: str) -> bool:
        done = subprocess.run(
            [self._program, "image", "inspect", image],
            check=False,
            capture_output=True,
            timeout=_SECONDS,
        )
        return done.returncode == 0

    def _identity(self, image: str) -> str:
        """Return the digest of an image, without its algorithm."""
        return str(self._inspect(image)["Id"]).removeprefix("sha256:")

    def _layers(self, image: str) -> list[str]:
        return list(self._inspect(image)["RootFS"]["Layers"])

    def _inspect(self, image: str) -> Document:
        [found] = json.loads(_run(self._program, "image", "inspect", image))
        return dict(found)


def archived_name(archive: Path) -> str:
    """Return the name that an archive of an image gives it."""
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None, f"{archive} is no archive of an image"
        name: str = json.load(manifest)[0]["RepoTags"][0]
        return name


def load(kind: str, cluster: str, archive: Path) -> None:
    """Load an archive into the nodes of a kind cluster."""
    _run(kind, "load", "image-archive", "--name", cluster, str(archive))


def _answering() -> str:
    for program in _ENGINES:
        if (
            shutil.which(program)
            and not subprocess.run(
                [program, "info"], check=False, capture_output=True, timeout=_SECONDS
            ).returncode
        ):
            return program
    raise AssertionError(f"no container engine answers: start one of {_ENGINES}")


def _is_archive(image: str) -> bool:
    return image.endswith(".tar")


def _gzipped(archive: Path, skip: int) -> list[int]:
    sizes = []
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        for name in json.load(manifest)[0]["Layers"][skip:]:
            layer = tar.extractfile(name)
            assert layer is not None
            sizes.append(len(zlib.compress(layer.read(), level=6)))
    return sizes
