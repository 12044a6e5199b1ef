from __future__ import annotations

from typing import Any

import pytest

from backstage_op.document import Document

from .builders import LABELS, OPENSHIFT, composed, metadata

_APP = {"rhdh.redhat.com/app": "backstage"}
_DATABASE = {"rhdh.redhat.com/app": "backstage-psql"}


def _policy(name: str, labels: Document, **spec: Any) -> Document:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": {"matchLabels": labels}, **spec},
    }


_TO_DATABASE = _policy(
    "allow-psql-egress",
    _APP,
    egress=[
        {"to": [{"podSelector": {"matchLabels": _DATABASE}}], "ports": [{"port": 5432}]}
    ],
)
_OF_DATABASE = _policy(
    "db-default-deny",
    _DATABASE,
    ingress=[{"from": [{"podSelector": {"matchLabels": _APP}}]}],
)
_FROM_ROUTER = _policy(
    "allow-router-ingress", _APP, ingress=[{"from": [{"namespaceSelector": {}}]}]
)
_ALL = [_TO_DATABASE, _OF_DATABASE, _FROM_ROUTER]


def _made(spec: Document | None = None, /, **arguments: Any) -> dict[str, Document]:
    documents = composed(spec, files={"networkpolicy.yaml": _ALL}, **arguments)
    return {
        key.removeprefix("networkpolicy/"): document
        for key, document in documents.items()
        if key.startswith("networkpolicy/")
    }


def test_selectors_are_those_of_the_pods_of_the_instance() -> None:
    app = {"rhdh.redhat.com/app": "backstage-my"}
    database = {"rhdh.redhat.com/app": "backstage-psql-my"}

    made = _made()

    assert made["allow-psql-egress"] == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(
            "backstage-netpol-my-allow-psql-egress",
            labels=LABELS | app,
            annotations={
                "rhdh.redhat.com/configured-name": "allow-psql-egress",
                "rhdh.redhat.com/source": "default",
            },
        ),
        "spec": {
            "podSelector": {"matchLabels": app},
            "egress": [
                {
                    "to": [{"podSelector": {"matchLabels": database}}],
                    "ports": [{"port": 5432}],
                }
            ],
        },
    }
    of_database = made["db-default-deny"]
    assert of_database["metadata"]["name"] == "backstage-db-netpol-my-db-default-deny"
    assert of_database["metadata"]["labels"] == LABELS | database
    assert of_database["spec"] == {
        "podSelector": {"matchLabels": database},
        "ingress": [{"from": [{"podSelector": {"matchLabels": app}}]}],
    }


def test_an_external_database_has_no_policies_and_is_reached_anywhere() -> None:
    made = _made({"database": {"enableLocalDb": False}})

    assert made.keys() == {"allow-psql-egress", "allow-router-ingress"}
    assert made["allow-psql-egress"]["spec"]["egress"] == [{"ports": [{"port": 5432}]}]


@pytest.mark.parametrize(
    ("arguments", "selector"),
    [
        ({}, {}),
        (
            {"platform": OPENSHIFT},
            {"matchLabels": {"policy-group.network.openshift.io/ingress": ""}},
        ),
    ],
)
def test_on_openshift_only_the_router_gets_in(
    arguments: dict[str, Any], selector: Document
) -> None:
    made = _made(**arguments)["allow-router-ingress"]

    assert made["spec"]["ingress"] == [{"from": [{"namespaceSelector": selector}]}]


def test_policies_can_be_turned_off() -> None:
    assert _made({"networkPolicies": {"enabled": False}}) == {}
