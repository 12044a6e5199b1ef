"""Chapter 1: an administrator installs the operator by the manifests that ship."""

import pytest

from .conftest import Images
from .engine import Engine
from .installation import ANY_USER, NAME, Installation
from .kubectl import Kubectl

_MOST_BYTES = 20_000_000


def test_the_operator_runs_from_its_image_as_any_user(
    installation: Installation, images: Images
) -> None:
    for pod in installation.pods():
        [container], [status] = (
            pod["spec"]["containers"],
            pod["status"]["containerStatuses"],
        )
        assert container["image"] == images.operator
        assert pod["spec"]["securityContext"]["runAsUser"] == ANY_USER
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert status["ready"]
        assert status["restartCount"] == 0


def test_its_namespace_admits_nothing_that_is_not_restricted(
    installation: Installation, cluster: Kubectl
) -> None:
    labels = cluster.get("namespace", installation.kubectl.namespace)["metadata"][
        "labels"
    ]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_it_may_do_what_it_needs_and_no_more(
    installation: Installation, cluster: Kubectl
) -> None:
    user = f"system:serviceaccount:{installation.kubectl.namespace}:{NAME}"

    assert cluster.may(user, "patch", "apps", "deployments")
    assert not cluster.may(user, "update", "", "secrets")
    assert not cluster.may(user, "create", "", "pods")
    assert not cluster.may(user, "get", "", "nodes")


def test_the_image_is_small(
    request: pytest.FixtureRequest, images: Images, builder: Engine
) -> None:
    if request.config.getoption("operator_image"):
        pytest.skip("the image was given: what it stands on is not known")
    base = request.config.getoption("operator_base_image")

    added = builder.added_bytes(images.operator, base)

    print(f"the operator's image adds {added / 1e6:.1f} MB, compressed, to {base}")
    assert added <= _MOST_BYTES
