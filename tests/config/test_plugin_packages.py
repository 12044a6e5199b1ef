"""The installer gets one line for each enabled plugin, which is never two."""

from __future__ import annotations

from typing import Any

import pytest

from backstage_op.config import plugin_packages, plugins

HEAD = "# Packages of the enabled plugins, each with its integrity, if given.\n"


def packages(*entries: dict[str, Any]) -> plugin_packages.Packages:
    return plugin_packages.of(plugins.inline(entries, path="list"))


def test_enabled_plugins_are_listed_in_order_with_their_integrity() -> None:
    found = packages(
        {"package": "oci://x/b@sha256:1!path"},
        {"package": "https://x/a-1.0.tgz", "integrity": "sha512-ab+/=="},
        {"package": "ftp://x/off", "disabled": True},
        {"package": "http://x/c.tgz", "integrity": "", "enabled": True},
    )

    assert found == plugin_packages.Packages(
        text=HEAD
        + "oci://x/b@sha256:1!path\nhttps://x/a-1.0.tgz sha512-ab+/==\nhttp://x/c.tgz\n",
        faults=(),
    )


def test_no_plugins_are_an_empty_list() -> None:
    assert packages().text == HEAD


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            {"package": "./local"},
            (
                "the plugin installer takes no local paths; publish the plugin as an "
                "image or an archive, or disable it"
            ),
        ),
        (
            {"package": "@scope/npm"},
            (
                "package: expected one of oci://, https://, http:// or ref://NAME; "
                "correct it or disable the plugin"
            ),
        ),
        (
            {"package": "oci://x/a\nhttps://evil"},
            "package: blanks, quotes and backslashes are not allowed; remove them",
        ),
        (
            {"package": "oci://x/'a"},
            "package: blanks, quotes and backslashes are not allowed; remove them",
        ),
        (
            {"package": "oci://x/a", "integrity": "md5-abc"},
            (
                "integrity: expected sha256, sha384 or sha512, a dash and a digest in "
                "base64; correct it"
            ),
        ),
    ],
)
def test_what_the_installer_cannot_take_is_refused(
    entry: dict[str, Any], problem: str
) -> None:
    faults = packages({"package": "oci://x/ok"}, entry).faults

    assert [fault.message for fault in faults] == [
        f'list[1] "{entry["package"]}": {problem}'
    ]
    assert {fault.reason for fault in faults} == {"InvalidDynamicPlugins"}
