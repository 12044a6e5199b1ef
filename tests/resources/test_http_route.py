from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.graph import Need

from .builders import composed, faults, inputs, metadata

_GATEWAY = {"parentRefs": [{"name": "gw"}]}


def _manifest(**spec: Any) -> Document:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "any"},
        "spec": spec,
    }


def _route(fields: Document, manifest: Document | None = None) -> Document:
    files = {"httproute.yaml": manifest} if manifest else {}
    spec = {"application": {"httpRoute": fields}}
    return composed(spec, files=files)["httproute"]


def test_a_gateway_alone_makes_an_http_route_to_the_service() -> None:
    made = _route(
        {
            "parentRefs": [
                {"name": "gw", "namespace": "infra", "sectionName": "web", "port": 443}
            ],
            "hostnames": ["a.test"],
            "annotations": {"a": "b"},
        }
    )

    assert made == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata("backstage-my", annotations={"a": "b"}),
        "spec": {
            "parentRefs": [
                {"name": "gw", "namespace": "infra", "sectionName": "web", "port": 443}
            ],
            "hostnames": ["a.test"],
            "rules": [{"backendRefs": [{"name": "backstage-my", "port": 80}]}],
        },
    }


def test_rules_of_the_manifest_stay_and_the_placeholder_is_the_service() -> None:
    redirect = {"filters": [{"type": "RequestRedirect"}]}
    manifest = _manifest(
        parentRefs=[{"name": "manifest"}],
        hostnames=["m.test"],
        rules=[
            redirect,
            {"backendRefs": [{"name": "any"}, {"name": "other", "port": 1}]},
        ],
    )

    assert _route({}, manifest)["spec"] == {
        "parentRefs": [{"name": "manifest"}],
        "hostnames": ["m.test"],
        "rules": [
            redirect,
            {
                "backendRefs": [
                    {"name": "backstage-my", "port": 80},
                    {"name": "other", "port": 1},
                ]
            },
        ],
    }


def test_one_that_attaches_to_no_gateway_is_refused() -> None:
    spec = {"application": {"httpRoute": {"enabled": True}}}

    assert faults(spec) == [
        (
            "spec.application.httpRoute.parentRefs: empty, and no manifest "
            "httproute.yaml names one; name the Gateway"
        )
    ]


@pytest.mark.parametrize("fields", [{}, {"enabled": False} | _GATEWAY])
def test_one_that_nobody_asks_for_is_not_made(fields: Document) -> None:
    composition = resources.compose(inputs({"application": {"httpRoute": fields}}))

    assert "httproute" not in composition.documents


def test_the_http_route_is_applied_after_the_service() -> None:
    made = inputs({"application": {"httpRoute": _GATEWAY}})

    objects = resources.compose(made).objects

    assert {o.key: o.needs for o in objects}["httproute"] == (Need("service"),)
