"""Base URLs that follow the Route; see the recordings for whole app-configs."""

from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources
from backstage_op.config import manifests
from backstage_op.document import Document

from .builders import OPENSHIFT, ROUTE, composed, config_map, digest, faults


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


@pytest.mark.parametrize("local", ["http://localhost:7007", "http://127.0.0.1:3000/"])
def test_a_local_url_of_the_configuration_gives_way(local: str) -> None:
    text = _app_config(f"app: {{baseUrl: '{local}'}}", {"route": {"host": "a.test"}})

    assert manifests.load_value(text, source="", key="") == _urls("https://a.test")


def _several(*texts: str, **arguments: Any) -> list[str]:
    """Return the app-configs of the configuration, each a ConfigMap of its own."""
    names = [f"c{number}" for number in range(len(texts))]
    files = {
        "app-config.yaml": [
            config_map(name, **{f"{name}.yaml": text})
            for name, text in zip(names, texts, strict=True)
        ],
        "route.yaml": ROUTE,
    }
    documents = composed(files=files, platform=OPENSHIFT, **arguments)
    return [documents[f"app-config/{name}"]["data"][f"{name}.yaml"] for name in names]


def test_a_later_app_config_of_the_configuration_is_not_contradicted() -> None:
    complete = "app: {baseUrl: a}"
    first, second = _several("{}", complete)

    assert manifests.load_value(first, source="", key="") == {
        "backend": {
            "baseUrl": "https://backstage-my-team.apps.example.test",
            "cors": {"origin": "https://backstage-my-team.apps.example.test"},
        }
    }
    assert second == complete


def test_a_local_url_gives_way_wherever_it_stands() -> None:
    _, second = _several("{}", "app: {baseUrl: http://localhost:3000}")

    assert manifests.load_value(second, source="", key="") == {
        "app": {"baseUrl": "https://backstage-my-team.apps.example.test"}
    }


def test_an_app_config_that_another_file_replaces_does_not_count() -> None:
    own = "app: {baseUrl: https://own}"

    def text(read: str, replaced: str) -> Any:
        files = {
            "app-config.yaml": config_map("base", **{"a.yaml": "{}"}),
            "route.yaml": ROUTE,
            "configmap-files.yaml": config_map("f", **{"own.yaml": read})
            | {
                "metadata": {
                    "name": "f",
                    "annotations": {"rhdh.redhat.com/sub-path": "*"},
                }
            },
        }
        documents = composed(
            {"application": {"appConfig": {"configMaps": [{"name": "own"}]}}},
            files=files,
            platform=OPENSHIFT,
            config_maps={"own": {"own.yaml": replaced}},
        )
        return documents["app-config/base"]["data"]["a.yaml"]

    assert "baseUrl" in text(read="{}", replaced=own)
    assert text(read=own, replaced="{}") == "{}"


def test_an_app_config_in_a_directory_counts() -> None:
    reference = {"name": "own", "mountPath": "/conf"}

    text = _app_config(
        "{}",
        {"appConfig": {"configMaps": [reference]}},
        config_maps={"own": {"own.yaml": "app: {baseUrl: https://own}"}},
    )

    assert text == "{}"


def test_another_host_restarts_the_portal() -> None:
    files = {
        "app-config.yaml": config_map("base", **{"a.yaml": "{}"}),
        "route.yaml": ROUTE,
    }
    digests = [
        digest(
            composed(
                {"application": {"route": {"host": host}}},
                files=files,
                platform=OPENSHIFT,
            )
        )
        for host in ("a.test", "b.test", "a.test")
    ]

    assert digests[0] == digests[2] != digests[1]
