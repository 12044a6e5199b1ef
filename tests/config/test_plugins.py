"""Lists of dynamic plugins merge by package, and lose nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstage_op import errors
from backstage_op.config import manifests, plugins


def parsed(text: str) -> plugins.PluginList:
    return plugins.parse(text, source='ConfigMap "plugins"')


def listed(*entries: dict[str, Any], **others: Any) -> plugins.PluginList:
    return parsed(manifests.dump({**others, "plugins": list(entries)}))


def merged(*lists: plugins.PluginList) -> Any:
    text = plugins.merge(lists).text
    return manifests.load_value(text, source="", key="")


def test_a_single_list_keeps_its_text() -> None:
    text = "# mine\nincludes: [a.yaml]\nplugins:\n- {package: x}\n"

    assert plugins.merge([parsed(text)]).text == text


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

    assert plugins.merge([default, user]).text == (
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

    all_at_once = plugins.merge([one, two, three]).text

    assert plugins.merge([plugins.merge([one, two]), three]).text == all_at_once
    assert plugins.merge([one, plugins.merge([two, three])]).text == all_at_once


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the key is missing; add it"),
        ("- a", "expected an object with includes and plugins; correct it"),
        ("plugins: {a: 1}", "plugins: expected a list; put a dash before each entry"),
        ("includes: a", "includes: expected a list; put a dash before each entry"),
        ("includes: [1]", "includes[0]: expected the name of a file"),
        ("plugins: [a]", "plugins[0]: expected an object"),
        (
            "plugins: [{package: a}, {disabled: true}]",
            "plugins[1].package is missing; name the plugin's package",
        ),
        (
            "plugins: [{package: a, disabled: 'yes'}]",
            'plugins[0] "a": disabled: expected true or false',
        ),
        (
            "plugins: [{package: a, pluginConfig: [x]}]",
            'plugins[0] "a": pluginConfig: expected an object',
        ),
        (
            "plugins: [{package: a, dependencies: x}]",
            'plugins[0] "a": dependencies: expected a list',
        ),
    ],
)
def test_a_list_that_is_none_is_refused_with_the_entry(
    text: str | None, message: str
) -> None:
    with pytest.raises(errors.PluginsError) as caught:
        plugins.parse(text, source='ConfigMap "plugins"')

    assert caught.value.message == (
        f'ConfigMap "plugins", key dynamic-plugins.yaml: {message}'
    )
    assert caught.value.reason == "InvalidDynamicPlugins"


def test_a_text_that_is_not_yaml_is_refused_as_a_list_of_plugins() -> None:
    with pytest.raises(errors.PluginsError) as caught:
        plugins.parse("plugins: [", source='ConfigMap "plugins"')

    assert caught.value.message.startswith(
        'ConfigMap "plugins", key dynamic-plugins.yaml: line 1, column 11: '
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "plugins:\nincludes:\n"])
def test_an_empty_list_is_a_list(text: str) -> None:
    assert (parsed(text).plugins, parsed(text).includes) == ((), None)
