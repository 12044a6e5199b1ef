"""A reference stands for one package of the layers below, or is a fault."""

from __future__ import annotations

from typing import Any

import pytest

from backstage_op.config import plugin_references, plugins

DIGEST = "sha256:abc"
CATALOG: tuple[dict[str, Any], ...] = (
    {"package": f"oci://quay.io/rhdh/plugin-a@{DIGEST}!plugin-a-path"},
    {"package": "oci://localhost:5000/plugin-b:1.0", "disabled": True},
    {"package": "https://example.test/x/plugin-c-1.2.3.tgz?token=1"},
    {"package": "./dynamic-plugins/dist/plugin-d"},
    {"package": "@scope/plugin-e@1.0"},
)


def layer(*entries: dict[str, Any], path: str = "list") -> plugins.PluginList:
    return plugins.inline(entries, path=path)


def resolved(*packages: str, below: tuple[dict[str, Any], ...] = CATALOG) -> list[str]:
    """Return the packages that references of the second layer stand for."""
    own = layer(*({"package": package} for package in packages))
    result = plugin_references.resolve([layer(*below), own])
    assert result.faults == ()
    return [entry["package"] for entry in result.lists[1].plugins]


def faults(*packages: str, below: tuple[dict[str, Any], ...] = CATALOG) -> list[str]:
    own = layer(*({"package": package} for package in packages), path="own")
    result = plugin_references.resolve([layer(*below), own])
    return [fault.message for fault in result.faults]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("oci://quay.io/rhdh/plugin-foo@sha256:abc", "plugin-foo"),
        ("oci://quay.io/rhdh/plugin-foo:1.0.0", "plugin-foo"),
        ("oci://quay.io/rhdh/plugin-foo:1.0@sha256:abc!some-path", "plugin-foo"),
        ("oci://localhost:5000/plugin-foo", "plugin-foo"),
        ("oci://plugin-foo", "plugin-foo"),
        ("https://example.test/path/plugin-foo-1.0.0.tgz", "plugin-foo"),
        ("https://example.test/plugin-foo-1.2.3-beta.tar.gz?x=/y", "plugin-foo"),
        ("http://example.test/plugin-foo.tgz", "plugin-foo"),
        ("./dynamic-plugins/dist/plugin-foo", "plugin-foo"),
        ("./dynamic-plugins/dist/plugin-2-foo", "plugin-2-foo"),
        ("@scope/plugin-foo@1.0", ""),
        ("ref://plugin-foo", ""),
        ("ftp://example.test/plugin-foo", ""),
    ],
)
def test_the_name_of_a_plugin_is_in_its_package(package: str, name: str) -> None:
    assert plugin_references.name_of(package) == name


@pytest.mark.parametrize(
    ("reference", "package"),
    [
        ("ref://plugin-a", CATALOG[0]["package"]),
        ("ref://plugin-b", CATALOG[1]["package"]),
        ("ref://plugin-c", CATALOG[2]["package"]),
        ("ref://plugin-d", CATALOG[3]["package"]),
        ("oci://quay.io/rhdh/plugin-a:{{inherit}}", CATALOG[0]["package"]),
        ("oci://elsewhere/plugin-b:{{inherit}}", CATALOG[1]["package"]),
        (
            "oci://quay.io/rhdh/plugin-a:{{inherit}}!mine",
            f"oci://quay.io/rhdh/plugin-a@{DIGEST}!mine",
        ),
        (
            "oci://quay.io/rhdh/plugin-b:{{inherit}}!mine",
            "oci://localhost:5000/plugin-b:1.0!mine",
        ),
    ],
)
def test_a_reference_is_the_package_of_the_plugin_with_that_name(
    reference: str, package: str
) -> None:
    assert resolved(reference) == [package]


def test_what_is_no_reference_stays_as_it_is() -> None:
    packages = ["oci://x/y:1", "@scope/z", "ftp://a", "./b"]

    assert resolved(*packages) == packages


def test_what_an_entry_says_stays_with_it() -> None:
    own = layer({"package": "ref://plugin-b", "enabled": True, "other": 1})

    result = plugin_references.resolve([layer(*CATALOG), own])

    assert result.lists[1].plugins == (
        {"package": CATALOG[1]["package"], "enabled": True, "other": 1},
    )


def test_of_several_plugins_of_a_name_the_only_enabled_one_is_meant() -> None:
    below = (
        {"package": "oci://x/foo:1", "disabled": True},
        {"package": "oci://y/foo:2"},
        {"package": "oci://z/foo:3", "enabled": False},
    )

    assert resolved("ref://foo", below=below) == ["oci://y/foo:2"]


@pytest.mark.parametrize("switch", [{"disabled": True}, {}])
def test_a_name_that_several_plugins_have_is_refused(switch: dict[str, Any]) -> None:
    below = tuple({"package": f"oci://{host}/foo:1", **switch} for host in "xy")

    assert faults("ref://foo", below=below) == [
        (
            'own[0] "ref://foo": "foo" may be any of oci://x/foo:1, oci://y/foo:1; '
            "write the package"
        )
    ]


def test_every_reference_that_leads_nowhere_is_told_with_candidates() -> None:
    assert faults(
        "ref://plugin-x", "ref://", "oci://q/zzz:{{inherit}}", "oci://q/ok:1"
    ) == [
        (
            'own[0] "ref://plugin-x": no plugin "plugin-x" in the layers below; use '
            "one of plugin-a, plugin-b, plugin-c, plugin-d, or write the package"
        ),
        ('own[1] "ref://": names no plugin; write the name of one of a layer below'),
        (
            'own[2] "oci://q/zzz:{{inherit}}": no plugin "zzz" in the layers below; '
            "use one of plugin-a, plugin-b, plugin-c, plugin-d, or write the package"
        ),
    ]


def test_a_long_list_of_candidates_is_cut() -> None:
    below = tuple({"package": f"oci://x/p{number:02}:1"} for number in range(12))

    (message,) = faults("ref://entirely-different", below=below)

    names = ", ".join(f"p{number:02}" for number in range(10))
    assert message.endswith(f"use one of {names} … (12 in all), or write the package")


def test_a_path_in_an_image_needs_an_image() -> None:
    assert faults("oci://x/plugin-d:{{inherit}}!path") == [
        (
            'own[0] "oci://x/plugin-d:{{inherit}}!path": '
            '"./dynamic-plugins/dist/plugin-d" is no image and has no path in it; '
            'remove "!path"'
        )
    ]


@pytest.mark.parametrize("reference", ["ref://foo", "oci://x/foo:{{inherit}}"])
def test_references_to_one_another_end_as_faults(reference: str) -> None:
    lists = [layer({"package": reference}, {"package": "ref://foo"}) for _ in range(3)]

    result = plugin_references.resolve(lists)

    assert [found.plugins for found in result.lists] == [(), (), ()]
    assert [fault.message for fault in result.faults] == [
        (
            f'list[{number}] "{package}": no plugin "foo" in the layers below; '
            "there is none; write the package"
        )
        for _ in lists
        for number, package in enumerate([reference, "ref://foo"])
    ]


def test_a_layer_sees_what_all_layers_below_it_say() -> None:
    lists = [
        layer({"package": "oci://x/foo:1", "disabled": True}),
        layer({"package": "oci://y/foo:2", "disabled": True}),
        layer({"package": "oci://x/foo:1", "enabled": True}),
        layer({"package": "ref://foo", "pluginConfig": {"a": 1}}),
    ]

    result = plugin_references.resolve(lists)

    assert result.faults == ()
    assert plugins.merge(result.lists).plugins == (
        {"package": "oci://x/foo:1", "enabled": True, "pluginConfig": {"a": 1}},
        {"package": "oci://y/foo:2", "disabled": True},
    )
