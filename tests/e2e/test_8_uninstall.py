"""Chapter 8: everything goes, but the data stays until somebody deletes it."""

from .installation import NAME as OPERATOR
from .installation import NAMESPACE, Installation
from .kubectl import Kubectl, wait_until
from .portal import DATABASE, DATABASE_SECRET, Portal

_OF_INSTANCE = "app.kubernetes.io/instance=my"
_KINDS = "configmap,deployment,pod,replicaset,secret,service,statefulset"
_CLAIM = f"data-{DATABASE}-0"


def test_a_deleted_portal_leaves_its_claim_and_its_password(portal: Portal) -> None:
    portal.delete()

    wait_until(
        lambda: portal.kubectl.names(_KINDS, "-l", _OF_INSTANCE) == [DATABASE_SECRET],
        lambda: portal.kubectl.names(_KINDS, "-l", _OF_INSTANCE),
    )
    assert portal.kubectl.names("pvc") == [_CLAIM]


def test_an_uninstalled_operator_leaves_nothing(
    installation: Installation, cluster: Kubectl, portal: Portal
) -> None:
    portal.delete()
    installation.uninstall()

    cluster.wait_gone("crd", "backstages.rhdh.redhat.com")
    cluster.wait_gone("namespace", NAMESPACE)
    for kind in ("clusterrole", "clusterrolebinding"):
        names = cluster.names(kind)
        assert [name for name in names if name.startswith(OPERATOR)] == []
    # Data of users is not the operator's to delete.
    assert portal.kubectl.names("pvc") == [_CLAIM]
