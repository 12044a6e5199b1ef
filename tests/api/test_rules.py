"""Each text rule, by examples; the server's half is in test_crd_on_server."""

from __future__ import annotations

import re

import pytest

from backstage_op.api import rules

LONG_NAME = ".".join(["a" * 60] * 4)

ACCEPTED = {
    "REQUIRED_NAME": ["a", "my-config.v1", "0", LONG_NAME],
    "OPTIONAL_NAME": ["", "a", "my-config.v1"],
    "DATA_KEY": ["", "app-config.yaml", ".npmrc", "a..b", "A_B"],
    "MOUNT_PATH": [
        "",
        "/",
        "/opt/x",
        "sub/dir",
        "./a/",
        "//a",
        "/..a/b..",
        "/a b",
        ".",
    ],
    "ENV_NAME": [
        "A",
        "app.config",
        "APP_CONFIG_backend_listen_port",
        "with space",
        "1",
    ],
    "HOST": ["", "portal", "Portal.example.com", "a" * 63],
    "INGRESS_HOST": ["", "portal", "portal.example.com", "*.example.com"],
    "ROUTE_HOST": ["portal", "portal.example.com", "*.example.com"],
    "QUANTITY": ["", "1", "10Gi", "500m", "1.5G", "1e3", "2E", "1."],
    "DURATION": ["", "30s", "1m", "1h30m", "500ms"],
    "IMAGE": ["", "example.test/a:1", "a@sha256:00"],
    "FLAVOUR": ["orchestrator", "a.b", "_x", "A"],
}
REFUSED = {
    "REQUIRED_NAME": [
        "",
        "../x",
        "Upper",
        "other-ns/name",
        "a_b",
        "-a",
        "a.",
        "é",
        "a\n",
    ],
    "OPTIONAL_NAME": ["../x", "Upper", "a/b", " "],
    "DATA_KEY": ["a/b", "..", ".", "..data", "a b", "../a"],
    "MOUNT_PATH": ["..", "/a/../b", "../x", "a/..", "a:b", "/a//.."],
    "ENV_NAME": ["", "A=B", "A\n", "Ä", "\x00"],
    "HOST": ["-a", "a..b", "https://a", "a/b", "a_b", "a" * 64, "a."],
    "INGRESS_HOST": ["*", "a.*.com", "Portal.example.com", "a" * 64],
    "ROUTE_HOST": ["", "Portal", "*", "a.*.com", "https://a", "a_b"],
    "QUANTITY": ["10Gigs", "-1", "Gi", "1 Gi", "1KiB"],
    "DURATION": ["30", "1x", "s", "-1s", "1 m"],
    "IMAGE": ["a b", "a\tb", " a"],
    "FLAVOUR": ["", "../x", ".hidden", "a/b", "a b"],
}


def _cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


def _matches(name: str, text: str) -> bool:
    rule: rules.TextRule = getattr(rules, name)
    pattern = rule.meta().pattern
    assert pattern is not None
    return re.search(pattern, text) is not None


def test_all_rules_have_examples() -> None:
    names = {name for name, value in vars(rules).items() if value in rules.TEXT_RULES}

    assert names == ACCEPTED.keys() == REFUSED.keys()


@pytest.mark.parametrize(("name", "text"), _cases(ACCEPTED))
def test_accepts(name: str, text: str) -> None:
    assert _matches(name, text)


@pytest.mark.parametrize(("name", "text"), _cases(REFUSED))
def test_refuses(name: str, text: str) -> None:
    assert not _matches(name, text)


def test_cel_literals_escape_backslashes_and_quotes() -> None:
    rule = rules.TextRule(pattern=r"^\.'$", message="m", max_length=1)

    assert rule.validation() == {"rule": r"self.matches('^\\.\'$')", "message": "m"}
