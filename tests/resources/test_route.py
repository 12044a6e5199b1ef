from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.graph import Need

from .builders import LABELS, OPENSHIFT, OWNER, ROUTE, composed, inputs

_FILES = {"route.yaml": ROUTE}


def _spec(tls: Document | None = None, /, **route: Any) -> Any:
    spec = {"application": {"route": route | ({"tls": tls} if tls else {})}}
    return composed(spec, files=_FILES, platform=OPENSHIFT)["route"]["spec"]


def test_the_route_leads_to_the_service_of_the_instance() -> None:
    assert composed(files=_FILES, platform=OPENSHIFT)["route"] == {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {
            "name": "backstage-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "spec": {"to": {"kind": "Service", "name": "backstage-my"}},
    }


def test_the_route_is_applied_after_the_service() -> None:
    composition = resources.compose(inputs(files=_FILES, platform=OPENSHIFT))

    needs = {made.key: made.needs for made in composition.objects}
    assert needs["route"] == (Need("service"),)


@pytest.mark.parametrize(
    ("spec", "platform"),
    [
        ({}, resources.Platform()),
        ({"application": {"route": {"enabled": False}}}, OPENSHIFT),
    ],
)
def test_there_is_no_route_where_none_is_wanted_or_served(
    spec: Document, platform: resources.Platform
) -> None:
    assert "route" not in composed(spec, files=_FILES, platform=platform)


def test_host_and_subdomain_are_those_of_the_specification() -> None:
    spec = _spec(host="a.test", subdomain="portal")

    assert (spec["host"], spec["subdomain"]) == ("a.test", "portal")


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (
            {"certificate": "C", "key": "K", "caCertificate": "CA"},
            {"certificate": "C", "key": "K", "caCertificate": "CA"},
        ),
        (
            {"externalCertificateSecretName": "s"},
            {"externalCertificate": {"name": "s"}},
        ),
    ],
)
def test_tls_ends_at_the_router_with_the_users_certificate(
    tls: Document, expected: Document
) -> None:
    assert _spec(tls)["tls"] == {"termination": "edge"} | expected
