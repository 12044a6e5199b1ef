"""A cluster, the operator in it, and one portal that all chapters tell about.

The chapters are meant to be read and run in their order; each begins with the
portal as it was at first, so that any of them also runs alone.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from . import engine
from .engine import Engine
from .installation import Installation
from .kubectl import DEADLINE_SECONDS, Kubectl, KubectlError, wait_until
from .portal import NAME, TITLE, Portal
from .recorder import Change, Recorder
from .timeline import is_deployed
from .visitor import Visitor

_CHAPTER_SECONDS: Final = 1200
_RESTRICTED: Final = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("e2e", "a real Backstage in a real cluster")
    group.addoption(
        "--backstage-image",
        default="ghcr.io/backstage/backstage:1.38.1",
        help="image of the portal: a name, or an archive (.tar)",
    )
    group.addoption(
        "--postgresql-image",
        default="quay.io/fedora/postgresql-15:latest",
        help="image of the database: a name, or an archive (.tar)",
    )
    group.addoption(
        "--operator-image",
        default="",
        help="image of the operator: a name; without one it is built from here",
    )
    group.addoption(
        "--operator-next-image",
        default="",
        help="image to upgrade to; without one the same under another name",
    )
    group.addoption(
        "--operator-base-image",
        default="docker.io/library/python:3.13-slim",
        help="what the operator's image is built on: a name, or an archive (.tar)",
    )
    group.addoption(
        "--pictures", default="", help="directory that the pictures of docs/ go to"
    )


def pytest_configure(config: pytest.Config) -> None:
    # pytest-kind would download a kind that is years old.
    for option, program in (("kind_bin", "kind"), ("kind_kubectl_bin", "kubectl")):
        if not getattr(config.option, option, ""):
            setattr(config.option, option, shutil.which(program))


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Collect these tests only where the plugin is loaded: ``nox -s e2e``."""
    return None if config.pluginmanager.has_plugin("pytest_kind.plugin") else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(_CHAPTER_SECONDS))


class Creation(NamedTuple):
    """A portal, and every change that was seen until it was deployed."""

    portal: Portal
    changes: list[Change]


class Images(NamedTuple):
    """The images of this run, by the names under which the cluster has them."""

    operator: str
    operator_next: str
    backstage: str
    postgresql: str


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Kubectl:
    """The cluster: that of ``--kubeconfig``, or a new one of kind."""
    given = request.config.getoption("kubeconfig")
    if given:
        return Kubectl(Path(given).absolute())
    found = Kubectl(request.getfixturevalue("kind_cluster").kubeconfig_path.absolute())
    wait_until(lambda: bool(_ready_nodes(found)), lambda: found.items("node"))
    return found


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The container engine."""
    return Engine(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest, cluster: Kubectl) -> Images:
    """The images, loaded into the nodes of a cluster of kind."""
    option = request.config.getoption
    wanted = Images(
        option("operator_image"),
        option("operator_next_image"),
        option("backstage_image"),
        option("postgresql_image"),
    )
    if option("kubeconfig"):
        assert wanted.operator, "with --kubeconfig, give --operator-image too"
        return wanted
    builder: Engine = request.getfixturevalue("builder")
    operator = wanted.operator or builder.build(option("operator_base_image"))
    following = wanted.operator_next or builder.tagged(operator, f"{operator}-next")
    names = []
    for image in (operator, following, wanted.backstage, wanted.postgresql):
        archive = builder.archive(image)
        engine.load(option("kind_bin"), option("cluster_name"), archive)
        names.append(engine.archived_name(archive))
    return Images(*names)


@pytest.fixture(scope="session")
def installation(
    request: pytest.FixtureRequest, cluster: Kubectl, images: Images
) -> Iterator[Installation]:
    """The operator, installed as documented."""
    variables = {
        "RELATED_IMAGE_backstage": images.backstage,
        "RELATED_IMAGE_postgresql": images.postgresql,
    }
    installed = Installation(cluster, variables)
    installed.install(images.operator)
    yield installed
    if request.config.getoption("kubeconfig"):
        installed.uninstall()


@pytest.fixture(scope="session")
def home(cluster: Kubectl) -> Iterator[Kubectl]:
    """A namespace that admits restricted pods only."""
    name = f"portal-{secrets.token_hex(3)}"
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": _RESTRICTED},
        }
    )
    yield cluster.within(name)
    cluster.run("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def creation(home: Kubectl, installation: Installation, images: Images) -> Creation:
    """The first portal, and what was seen while it came to be."""
    visitor = Visitor(home, images.backstage)
    visitor.arrive()
    portal = Portal(home, visitor)
    portal.prepare()
    with Recorder(home) as recorder:
        portal.create()
        # What a user would type.
        resource, timeout = f"backstage/{NAME}", f"--timeout={DEADLINE_SECONDS:.0f}s"
        waiting = ("wait", "--for=condition=Deployed", resource, timeout)
        try:
            home.run(*waiting, seconds=DEADLINE_SECONDS + 30)
        except KubectlError as error:
            raise AssertionError(portal.story()) from error
        recorder.wait_for("Backstage", NAME, is_deployed)
    return Creation(portal, recorder.changes)


@pytest.fixture
def portal(creation: Creation) -> Portal:
    """The portal as it was at first, whatever a chapter before made of it."""
    portal = creation.portal
    portal.prepare()
    portal.create()
    portal.wait_deployed()
    wait_until(lambda: portal.title() == TITLE, portal.story)
    portal.wait_settled()
    return portal


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The directory that pictures go to."""
    given = request.config.getoption("pictures")
    return Path(given) if given else tmp_path


def _ready_nodes(kubectl: Kubectl) -> list[str]:
    return [
        node["metadata"]["name"]
        for node in kubectl.items("node")
        for condition in node["status"]["conditions"]
        if (condition["type"], condition["status"]) == ("Ready", "True")
    ]
