"""Lists of dynamic plugins merge by package, and lose nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstage_op.config import manifests, plugins


def parsed(text: str) -> plugins.PluginList:
    return plugins.parse(text, source='ConfigMap "plugins"')


def listed(*entries: dict[str, Any], **others: Any) -> plugins.PluginList:
    return parsed(manifests.dump({**others, "plugins": list(entries)}))


def merged(*lists: plugins.PluginList) -> Any:
    text = plugins.merge(lists).written()
    return manifests.load_value(text, source="", key="")


def test_a_single_list_keeps_its_text() -> None:
    text = "# mine\nincludes: [a.yaml]\nplugins:\n- {package: x}\n"

    assert plugins.merge([parsed(text)]).written() == text


def test_layers_merge_in_order_and_lose_nothing() -> None:
    default = parsed(
        "includes: [default.yaml]\n"
        "plugins:\n"
        "- package: oci://x/one:1\n"
        "  disabled: true\n"
        "  pluginConfig: {one: {b: 1, a: 2}}\n"
        "- package: ./two\n"
        "  integrity: sha512-abc\n"
    )
    user = parsed(
        "plugins:\n"
        "- package: oci://x/mine:2\n"
        "  pullPolicy: Always\n"
        "- pluginConfig: {one: {c: 9}}\n"
        "  disabled: false\n"
        "  package: oci://x/one:1\n"
        "includes: [extra.yaml, default.yaml]\n"
        "more: {kept: true}\n"
    )

    assert plugins.merge([default, user]).written() == (
        "includes:\n"
        "- default.yaml\n"
        "- extra.yaml\n"
        "plugins:\n"
        "- package: oci://x/one:1\n"
        "  disabled: false\n"
        "  pluginConfig:\n"
        "    one:\n"
        "      c: 9\n"
        "- package: ./two\n"
        "  integrity: sha512-abc\n"
        "- package: oci://x/mine:2\n"
        "  pullPolicy: Always\n"
        "more:\n"
        "  kept: true\n"
    )


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ({"disabled": True}, {"disabled": False}, {"disabled": False}),
        ({"disabled": True}, {}, {"disabled": True}),
        ({"disabled": True}, {"enabled": True}, {"enabled": True}),
        ({"enabled": True}, {"disabled": True}, {"disabled": True}),
        ({}, {}, {}),
        ({"integrity": "a"}, {"integrity": None}, {"integrity": "a"}),
        (
            {"pluginConfig": {"a": 1}},
            {"pluginConfig": {"b": 1}},
            {"pluginConfig": {"b": 1}},
        ),
        ({"dependencies": [{"ref": "a"}]}, {"dependencies": []}, {}),
        (
            {"dependencies": [{"ref": "a"}]},
            {"dependencies": [{"ref": "b"}]},
            {"dependencies": [{"ref": "b"}]},
        ),
        (
            {"forceDownload": True},
            {"pullPolicy": "Always"},
            {"forceDownload": True, "pullPolicy": "Always"},
        ),
    ],
)
def test_what_an_upper_layer_mentions_wins_and_the_rest_stays(
    below: dict[str, Any], above: dict[str, Any], expected: dict[str, Any]
) -> None:
    actual = merged(
        listed({"package": "p", **below}), listed({"package": "p", **above})
    )

    assert actual == {"plugins": [{"package": "p", **expected}]}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([["a"], ["b", "a"]], ["a", "b"]),
        ([["a"], []], None),
        ([["a"], [], ["b"]], ["b"]),
        ([["a"], None], ["a"]),
    ],
)
def test_includes_are_united_and_an_empty_list_clears_them(
    layers: list[list[str] | None], expected: list[str] | None
) -> None:
    actual = merged(*(listed(includes=includes) for includes in layers))

    assert actual.get("includes") == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, True),
        ({"disabled": True}, False),
        ({"enabled": False}, False),
        ({"enabled": True, "disabled": True}, True),
    ],
)
def test_enabled_beats_disabled_and_neither_means_yes(
    entry: dict[str, Any], expected: bool
) -> None:
    assert plugins.is_enabled({"package": "p", **entry}) is expected


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"package": st.sampled_from(["a", "b", "c"])},
        optional={
            "enabled": st.booleans(),
            "disabled": st.booleans(),
            "pluginConfig": st.dictionaries(st.sampled_from("xy"), st.integers(0, 9)),
            "pullPolicy": st.sampled_from(["Always", "IfNotPresent"]),
        },
    ),
    max_size=4,
)


@given(st.lists(ENTRIES, min_size=3, max_size=3))
def test_it_does_not_matter_which_neighbours_are_merged_first(
    layers: list[list[dict[str, Any]]],
) -> None:
    one, two, three = (listed(*entries) for entries in layers)

    all_at_once = plugins.merge([one, two, three]).written()

    left = plugins.merge([plugins.merge([one, two]), three])
    right = plugins.merge([one, plugins.merge([two, three])])
    assert left.written() == all_at_once
    assert right.written() == all_at_once


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (None, [": the key is missing; add it"]),
        (
            "- a",
            [": expected an object, found a list; write the entries below plugins:"],
        ),
        (
            "plugins: {a: 1}",
            [
                (
                    ": plugins: expected a list, found an object; "
                    "put a dash before each entry"
                )
            ],
        ),
        (
            "includes: a",
            [": includes: expected a list, found a text; put a dash before each entry"],
        ),
        (
            "includes: [1]",
            [
                (
                    ": includes[0]: expected the name of a file, found a whole "
                    "number; write it in quotes"
                )
            ],
        ),
        (
            "plugins: [a]",
            [
                (
                    ": plugins[0]: expected an object, found a text; "
                    "write package: and its name"
                )
            ],
        ),
        (
            "plugins: [{package: a}, {disabled: true}]",
            [": plugins[1].package: missing; name the plugin's package"],
        ),
        (
            "plugins: [{package: a, disabled: 'yes', integrity: 1}, 2]",
            [
                (
                    ': plugins[0] "a": integrity: expected a text, found a whole '
                    "number; write the digest of the package"
                ),
                (
                    ': plugins[0] "a": disabled: expected true or false, found a '
                    "text; write one of them, without quotes"
                ),
                (
                    ": plugins[1]: expected an object, found a whole number; "
                    "write package: and its name"
                ),
            ],
        ),
        (
            "plugins: [{package: a, pluginConfig: [x]}]",
            [
                (
                    ': plugins[0] "a": pluginConfig: expected an object, found a '
                    "list; write app-config below it"
                )
            ],
        ),
        (
            "plugins: [{package: a, dependencies: x}]",
            [
                (
                    ': plugins[0] "a": dependencies: expected a list, found a text; '
                    "put a dash before each entry"
                )
            ],
        ),
        (
            "plugins: [{package: a, dependencies: [{ref: x}, y, {ref: ''}]}]",
            [
                (
                    ': plugins[0] "a": dependencies[1].ref: missing; '
                    "name a set of objects"
                ),
                (
                    ': plugins[0] "a": dependencies[2].ref: missing; '
                    "name a set of objects"
                ),
            ],
        ),
    ],
)
def test_every_fault_of_a_list_is_told_with_its_entry(
    text: str | None, messages: list[str]
) -> None:
    faults = plugins.parse(text, source='ConfigMap "plugins"').faults

    place = 'ConfigMap "plugins", key dynamic-plugins.yaml'
    assert [fault.message for fault in faults] == [place + m for m in messages]
    assert {fault.reason for fault in faults} == {"InvalidDynamicPlugins"}


def test_entries_without_a_fault_are_read_all_the_same() -> None:
    found = plugins.parse("plugins: [{package: a}, 2, {package: b}]", source="x")

    assert found.plugins == ({"package": "a"}, {"package": "b"})
    assert found.places == (
        'x, key dynamic-plugins.yaml: plugins[0] "a"',
        'x, key dynamic-plugins.yaml: plugins[2] "b"',
    )


def test_a_text_that_is_not_yaml_is_a_fault_with_its_line() -> None:
    (fault,) = plugins.parse("plugins: [", source='ConfigMap "plugins"').faults

    assert fault.message.startswith(
        'ConfigMap "plugins", key dynamic-plugins.yaml: line 1, column 11: '
    )


def test_the_entries_of_a_field_are_named_by_its_path() -> None:
    found = plugins.inline(
        [{"package": "a", "disabled": 1}, {"package": "b", "x": [1]}],
        path="spec.application.dynamicPlugins",
    )

    assert found.plugins == ({"package": "b", "x": [1]},)
    assert found.written() == "plugins:\n- package: b\n  x:\n  - 1\n"
    assert [fault.message for fault in found.faults] == [
        (
            'spec.application.dynamicPlugins[0] "a": disabled: expected true or '
            "false, found a whole number; write one of them, without quotes"
        )
    ]


@pytest.mark.parametrize("nothing", ["", "{}", "plugins: []", "plugins:\nincludes:\n"])
def test_a_layer_that_says_nothing_leaves_every_byte_of_the_others(
    nothing: str,
) -> None:
    text = "# mine\nplugins: [{package: x,   other: 0644}]\nincludes: [a, a]\n"

    for lists in ([text, nothing], [nothing, text], [text, nothing, nothing]):
        assert plugins.merge([parsed(one) for one in lists]).written() == text


@pytest.mark.parametrize("text", ["", "# nothing\n", "plugins:\nincludes:\n"])
def test_an_empty_list_is_a_list(text: str) -> None:
    assert (parsed(text).plugins, parsed(text).includes) == ((), None)
