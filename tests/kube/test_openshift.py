from __future__ import annotations

import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key

from backstage_op import kube
from backstage_op.document import Document


async def test_the_groups_of_the_server_are_found(
    client: kube.Client, server: ApiServer
) -> None:
    server.put(Key("route.openshift.io/v1", "routes", "team", "a"), {})

    assert await client.api_groups() == {"route.openshift.io"}


@pytest.mark.parametrize(
    ("ingress", "domain"),
    [
        ({"spec": {"domain": "apps.example.com"}}, "apps.example.com"),
        ({"spec": {}}, ""),
        ({}, ""),
        (None, ""),
    ],
)
async def test_the_domain_of_openshift_is_found_if_it_has_one(
    client: kube.Client,
    server: ApiServer,
    ingress: Document | None,
    domain: str,
) -> None:
    if ingress is not None:
        key = Key("config.openshift.io/v1", "ingresses", "", "cluster")
        server.put(key, ingress)

    assert await kube.ingress_domain(client) == domain
