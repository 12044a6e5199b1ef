"""Base URLs that follow the Route; see the recordings for whole app-configs."""

from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources
from backstage_op.config import manifests
from backstage_op.document import Document

from .builders import OPENSHIFT, ROUTE, composed, config_map, faults


def _app_config(text: str, spec: Document | None = None, /, **arguments: Any) -> Any:
    files = {
        "app-config.yaml": config_map("base", **{"a.yaml": text}),
        "route.yaml": ROUTE,
    }
    arguments = {"platform": OPENSHIFT, "files": files, **arguments}
    documents = composed({"application": spec or {}}, **arguments)
    return documents["app-config/base"]["data"]["a.yaml"]


def _urls(url: str) -> Document:
    return {
        "app": {"baseUrl": url},
        "backend": {"baseUrl": url, "cors": {"origin": url}},
    }


@pytest.mark.parametrize(
    ("route", "url"),
    [
        ({}, "https://backstage-my-team.apps.example.test"),
        ({"subdomain": "portal"}, "https://portal.apps.example.test"),
        ({"host": "a.test"}, "https://a.test"),
        ({"host": "a.test", "subdomain": "portal"}, "https://a.test"),
    ],
)
def test_the_urls_are_those_of_the_route(route: Document, url: str) -> None:
    text = _app_config("{}", {"route": route})

    assert manifests.load_value(text, source="", key="") == _urls(url)


def test_only_what_the_app_config_leaves_open_is_set() -> None:
    text = _app_config("backend: {baseUrl: http://own, cors: {credentials: true}}")

    assert manifests.load_value(text, source="", key="") == {
        "app": {"baseUrl": "https://backstage-my-team.apps.example.test"},
        "backend": {
            "baseUrl": "http://own",
            "cors": {
                "credentials": True,
                "origin": "https://backstage-my-team.apps.example.test",
            },
        },
    }


_COMPLETE = "# kept\napp: {baseUrl: a}\nbackend: {baseUrl: a, cors: {origin: a}}\n"
_NO_DOMAIN = resources.Platform(is_openshift=True)


@pytest.mark.parametrize(
    ("text", "route", "platform"),
    [
        (_COMPLETE, {}, OPENSHIFT),
        ("app: {}", {"enabled": False}, OPENSHIFT),
        ("app: {}", {}, _NO_DOMAIN),
        ("app: {}", {"subdomain": "portal"}, _NO_DOMAIN),
        ("app: {}", {"host": "a.test"}, resources.Platform()),
    ],
)
def test_an_app_config_with_nothing_to_set_keeps_its_bytes(
    text: str, route: Document, platform: resources.Platform
) -> None:
    assert _app_config(text, {"route": route}, platform=platform) == text


@pytest.mark.parametrize(
    "own",
    [
        "app: {baseUrl: https://own}",
        "backend: {baseUrl: https://own}",
        "backend: {cors: {origin: https://own}}",
    ],
)
def test_a_url_that_the_user_set_is_not_contradicted(own: str) -> None:
    text = _app_config(
        "app: {}",
        {"appConfig": {"configMaps": [{"name": "own"}]}},
        config_maps={"own": {"own.yaml": own}},
    )

    assert text == "app: {}"


@pytest.mark.parametrize("own", ["a: [", "- a", "*alias", "app: text", ""])
def test_an_app_config_of_the_user_that_we_cannot_read_is_for_backstage_to_judge(
    own: str,
) -> None:
    text = _app_config(
        "{}",
        {"appConfig": {"configMaps": [{"name": "own"}]}},
        config_maps={"own": {"own.yaml": own}},
    )

    assert "baseUrl" in text


def test_a_configured_app_config_that_is_no_mapping_is_a_fault() -> None:
    files = {
        "app-config.yaml": config_map("base", **{"a.yaml": "- a"}),
        "route.yaml": ROUTE,
    }

    assert faults(platform=OPENSHIFT, files=files) == [
        (
            "default configuration (test), key app-config.yaml: "
            "an app-config is a YAML mapping"
        )
    ]
