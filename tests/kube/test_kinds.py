from __future__ import annotations

import pytest

from backstage_op import kube


@pytest.mark.parametrize(
    ("kind", "where", "path"),
    [
        (kube.CONFIG_MAP, ("team", "a"), "/api/v1/namespaces/team/configmaps/a"),
        (kube.SECRET, ("", ""), "/api/v1/secrets"),
        (
            kube.DEPLOYMENT,
            ("team", ""),
            "/apis/apps/v1/namespaces/team/deployments",
        ),
        (
            kube.BACKSTAGE,
            ("team", "a", "status"),
            "/apis/rhdh.redhat.com/v1alpha5/namespaces/team/backstages/a/status",
        ),
    ],
)
def test_a_kind_knows_its_paths(
    kind: kube.ResourceKind, where: tuple[str, ...], path: str
) -> None:
    assert kind.path(*where) == path


def test_every_owned_kind_is_found_by_its_identity() -> None:
    for kind in (*kube.OWNED, kube.BACKSTAGE):
        assert kube.kind_of(kind.ref("team", "a")) is kind
