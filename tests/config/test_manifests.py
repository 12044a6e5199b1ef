"""Texts become objects: split, trimmed, parsed once, and never shared."""

from __future__ import annotations

import pytest

from backstage_op import errors
from backstage_op.config import manifests


def test_a_text_of_several_documents_gives_them_in_order() -> None:
    text = "# first\na: 1\n---\n\n---   # empty\n---\nb: 2\n---\n"

    actual = manifests.load_all(text, source="s", key="k")

    assert actual == ({"a": 1}, {"b": 2})


def test_the_last_line_break_of_a_document_is_lost_as_it_is_with_go() -> None:
    text = "data:\n  a: |\n    x\n  b: |\n    y\n---\nc: |+\n  z\n\n"

    actual = manifests.load_all(text, source="s", key="k")

    assert actual == ({"data": {"a": "x\n", "b": "y"}}, {"c": "z"})


def test_a_value_keeps_its_last_line_break() -> None:
    assert manifests.load_value("a: |\n  x\n", source="s", key="k") == {"a": "x\n"}


def test_three_dashes_inside_a_block_separate_nothing() -> None:
    text = "a: |\n  x\n  ---\n  y\nb: 1"

    assert manifests.load_all(text, source="s", key="k") == (
        {"a": "x\n---\ny\n", "b": 1},
    )


def test_byte_order_mark_and_crlf_are_accepted() -> None:
    text = "\ufeffa: 1\r\n---\r\nb: 2\r\n"

    assert manifests.load_all(text, source="s", key="k") == ({"a": 1}, {"b": 2})


def test_the_first_line_may_be_indented() -> None:
    assert manifests.load_one("\n  a: 1\n  b: 2\n", source="s", key="k") == {
        "a": 1,
        "b": 2,
    }


def test_what_a_caller_changes_is_his_own() -> None:
    first = manifests.load_one("a: {b: [1]}", source="s", key="k")
    first["a"]["b"].append(2)

    assert manifests.load_one("a: {b: [1]}", source="s", key="k") == {"a": {"b": [1]}}


def test_more_texts_than_are_remembered_are_still_read() -> None:
    for number in range(20):
        text = f"number: {number}\nfill: {'x' * 1_000_000}"

        assert manifests.load_one(text, source="s", key="k")["number"] == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no object; write a manifest or remove the key"),
        ("# nothing\n---\n", "holds no object; write a manifest or remove the key"),
        (
            "a: 1\n---\n- b\n",
            "line 3: expected an object, found a list; write a manifest or remove it",
        ),
        (
            "just words",
            "line 1: expected an object, found a text; write a manifest or remove it",
        ),
        (
            "a: 1\n---\n\n\nb: 1\nb: 2\n",
            'line 6, column 1: duplicate key "b"; keep one',
        ),
        (
            "kind: Deployment\n  apiVersion: [\n",
            "line 2, column 13: mapping values are not allowed here",
        ),
    ],
)
def test_a_fault_names_object_key_line_and_column(text: str, message: str) -> None:
    with pytest.raises(errors.ManifestError) as caught:
        manifests.load_all(text, source='ConfigMap "raw"', key="deployment.yaml")

    assert caught.value.message == f'ConfigMap "raw", key deployment.yaml: {message}'


def test_one_object_is_not_two() -> None:
    with pytest.raises(errors.ManifestError) as caught:
        manifests.load_one("a: 1\n---\nb: 2\n", source="s", key="k")

    assert caught.value.message == (
        "s, key k: expected one object, found 2; remove the others"
    )


def test_a_value_is_one_document() -> None:
    with pytest.raises(errors.ManifestError):
        manifests.load_value("a: 1\n---\nb: 2\n", source="s", key="k")
