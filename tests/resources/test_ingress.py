from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.graph import Need

from .builders import SERVICE, composed, inputs, metadata


def _manifest(**spec: Any) -> Document:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "any", "annotations": {"a": "manifest", "b": "kept"}},
        "spec": spec,
    }


def _ingress(
    fields: Document, manifest: Document | None = None, /, **arguments: Any
) -> Document:
    files = {"ingress.yaml": manifest} if manifest else {}
    return composed({"application": {"ingress": fields}}, files=files, **arguments)[
        "ingress"
    ]


def _path(name: str = "backstage-my", port: int = 80) -> Document:
    return {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": name, "port": {"number": port}}},
    }


def test_a_host_alone_makes_an_ingress_to_the_service() -> None:
    assert _ingress({"host": "a.test"}) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata("backstage-my"),
        "spec": {"rules": [{"host": "a.test", "http": {"paths": [_path()]}}]},
    }


def test_class_annotations_and_tls_are_those_of_the_specification() -> None:
    made = _ingress(
        {
            "host": "a.test",
            "className": "nginx",
            "annotations": {"a": "spec"},
            "tls": {"secretName": "cert"},
        },
        _manifest(ingressClassName="other"),
    )

    assert made["metadata"]["annotations"] == {"a": "spec", "b": "kept"}
    assert made["spec"] == {
        "ingressClassName": "nginx",
        "rules": [{"host": "a.test", "http": {"paths": [_path()]}}],
        "tls": [{"hosts": ["a.test"], "secretName": "cert"}],
    }


def test_the_host_takes_the_place_of_the_first_and_others_survive_with_their_tls() -> (
    None
):
    manifest = _manifest(
        rules=[{"host": "old.test"}, {"host": "other.test"}],
        tls=[
            {"hosts": ["old.test"], "secretName": "old"},
            {"hosts": ["other.test"], "secretName": "other"},
        ],
    )

    assert _ingress({"host": "a.test"}, manifest)["spec"] == {
        "rules": [
            {"host": "a.test", "http": {"paths": [_path()]}},
            {"host": "other.test", "http": {"paths": [_path()]}},
        ],
        "tls": [
            {"hosts": ["a.test"], "secretName": "old"},
            {"hosts": ["other.test"], "secretName": "other"},
        ],
    }


def test_tls_can_be_turned_off_for_the_host_alone() -> None:
    manifest = _manifest(
        rules=[{"host": "a.test"}, {"host": "b.test"}],
        tls=[{"hosts": ["a.test"]}, {"hosts": ["a.test", "b.test"]}],
    )

    spec = _ingress({"tls": {"enabled": False}}, manifest)["spec"]

    assert spec["tls"] == [{"hosts": ["b.test"]}]


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [("any", "backstage-my"), (None, "backstage-my"), ("proxy", "proxy")],
)
def test_a_path_to_another_service_stays(name: str | None, leads_to: str) -> None:
    service = {"port": {"number": 1}} | ({"name": name} if name else {})
    manifest = _manifest(
        rules=[{"http": {"paths": [{"backend": {"service": service}}]}}]
    )

    (rule,) = _ingress({}, manifest)["spec"]["rules"]

    assert rule["http"]["paths"] == [_path(leads_to, 1)]


def test_the_port_is_the_one_named_http_backend() -> None:
    ports = [{"name": "other", "port": 1}, {"name": "http-backend", "port": 8080}]
    files = {"service.yaml": SERVICE | {"spec": {"ports": ports}}}

    made = composed({"application": {"ingress": {"enabled": True}}}, files=files)

    assert made["ingress"]["spec"]["rules"] == [{"http": {"paths": [_path(port=8080)]}}]


@pytest.mark.parametrize(
    ("fields", "has_manifest", "is_made"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"enabled": True}, False, True),
        ({"enabled": False, "host": "a.test"}, True, False),
        ({"className": "nginx"}, False, False),
    ],
)
def test_there_is_an_ingress_where_one_is_wanted(
    fields: Document, has_manifest: bool, is_made: bool
) -> None:
    files = {"ingress.yaml": _manifest()} if has_manifest else {}

    documents = composed({"application": {"ingress": fields}}, files=files)

    assert ("ingress" in documents) is is_made


def test_the_ingress_is_applied_after_the_service() -> None:
    spec = {"application": {"ingress": {"enabled": True}}}

    objects = resources.compose(inputs(spec)).objects

    assert {o.key: o.needs for o in objects}["ingress"] == (Need("service"),)
