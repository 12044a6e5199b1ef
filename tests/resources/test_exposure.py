"""Which of several exposures gives the URL, and what becomes of the Service."""

from __future__ import annotations

from typing import Any, Final

import pytest

from backstage_op import resources
from backstage_op.document import Document

from .builders import ROUTE, SERVICE, composed, inputs

_EVERYTHING: Final = resources.Platform(
    is_openshift=True, ingress_domain="apps.example.test"
)
_GATEWAY: Final = [{"name": "gw"}]


def _url(application: Document, **arguments: Any) -> str:
    files = {"route.yaml": ROUTE}
    spec = {"application": application}
    return resources.compose(inputs(spec, files=files, **arguments)).url


@pytest.mark.parametrize(
    ("application", "url"),
    [
        ({}, ""),
        ({"ingress": {"host": "a.test"}}, "http://a.test"),
        (
            {"ingress": {"host": "a.test", "tls": {"enabled": True}}},
            "https://a.test",
        ),
        (
            {"ingress": {"host": "a.test", "tls": {"secretName": "s"}}},
            "https://a.test",
        ),
        ({"ingress": {"enabled": True}}, ""),
        (
            {
                "httpRoute": {
                    "parentRefs": _GATEWAY,
                    "hostnames": ["*.x.test", "b.test"],
                }
            },
            "https://b.test",
        ),
        ({"httpRoute": {"parentRefs": _GATEWAY, "hostnames": ["*.x.test"]}}, ""),
        (
            {
                "httpRoute": {"parentRefs": _GATEWAY, "hostnames": ["b.test"]},
                "ingress": {"host": "a.test"},
                "route": {"host": "r.test"},
            },
            "http://a.test",
        ),
        (
            {
                "httpRoute": {"parentRefs": _GATEWAY, "hostnames": ["b.test"]},
                "ingress": {"enabled": False, "host": "a.test"},
            },
            "https://b.test",
        ),
    ],
)
def test_the_url_is_that_of_the_ingress_then_of_the_http_route(
    application: Document, url: str
) -> None:
    assert _url(application) == url


@pytest.mark.parametrize(
    ("route", "url"),
    [
        ({}, "https://backstage-my-team.apps.example.test"),
        ({"host": "r.test"}, "https://r.test"),
        ({"enabled": False}, "http://a.test"),
    ],
)
def test_a_route_comes_before_an_ingress(route: Document, url: str) -> None:
    application = {"route": route, "ingress": {"host": "a.test"}}

    assert _url(application, platform=_EVERYTHING) == url


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ({}, {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}),
        (
            {"ingress": {"enabled": True}},
            {"type": "ClusterIP", "ports": [{"port": 80}]},
        ),
        (
            {"httpRoute": {"parentRefs": _GATEWAY}},
            {"type": "ClusterIP", "ports": [{"port": 80}]},
        ),
    ],
)
def test_a_node_port_ends_where_something_else_exposes_the_portal(
    application: Document, expected: Document
) -> None:
    ports = [{"port": 80, "nodePort": 30080}]
    files = {"service.yaml": SERVICE | {"spec": {"type": "NodePort", "ports": ports}}}

    made = composed({"application": application}, files=files)

    del made["service"]["spec"]["selector"]
    assert made["service"]["spec"] == expected
