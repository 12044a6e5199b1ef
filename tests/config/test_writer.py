"""One tree has one text, laid out as Go lays it out, and read back as meant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstage_op.config import manifests, writer

DOUBTFUL = [
    *("yes", "n", "on", "True", "~", "null", "", "0644", "08", "1_000", "0x1F"),
    *("1e3", "1.5", ".inf", "1:30", "12:30:45.5", "2026-01-01", "10m", "1-2-3"),
    *("a: b", "# c", "a #b", "a:", ":", "-", "- a", "[a]", "{a}", "@a", "%a", "&a"),
    *("*a", "!a", "|", "?", "a'b", 'a"b', " lead", "trail ", "a\tb", "é", "---"),
    *("a\nb", "a\nb\n", "a\n\n", "a\n b\n", "a\r\nb", "x y " * 10),
]
TREE: dict[str, Any] = {
    "apiVersion": "x.io/v1",
    "kind": "Foo",
    "metadata": {"name": "a"},
    "keys": dict.fromkeys(["a2", "a10", "b", "A", "1", "10", "2", "yes", "a-b"], 1),
    "lists": [[1, [2]], {"b": 1, "a": []}, {}, None, True, 1.5, -3],
    "strings": {f"k{number}": text for number, text in enumerate(DOUBTFUL)},
}

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is the oracle, and is not on PATH"
)


def kubectl(text: str, output: str) -> str:
    return subprocess.run(
        ["kubectl", "patch", "--local", "--type=merge", "-f-", "-p{}", f"-o{output}"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": "/x", "KUBECONFIG": "/dev/null"},
    ).stdout


@needs_kubectl
def test_the_text_is_the_one_that_go_writes() -> None:
    assert manifests.dump(TREE) == kubectl(json.dumps(TREE), "yaml")


@needs_kubectl
def test_go_reads_the_text_as_it_is_meant() -> None:
    assert json.loads(kubectl(manifests.dump(TREE), "json")) == TREE


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 53), 1 << 53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: not number.is_integer()  # JSON has one kind of 1
    )
    | st.sampled_from(DOUBTFUL)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.sampled_from([*DOUBTFUL, "a"]), children, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_is_read_back(value: Any) -> None:
    text = manifests.dump(value)

    assert manifests.load_value(text, source="", key="") == value
    assert manifests.dump(manifests.load_value(text, source="", key="")) == text


TEXT = (
    st.sampled_from(DOUBTFUL)
    | st.text(
        "ab 09-?:,[]{}#&*!|>'\"%@`\\/.~_=+\n\t\r\x07\x7f\x85\u2028\ufeffé😀", max_size=9
    )
    | st.integers(118, 130).map(lambda length: "k" * length)
    | st.text(max_size=9)
)
ANY_TEXT = st.recursive(
    TEXT | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=500)
@given(ANY_TEXT)
def test_the_text_is_the_one_that_the_library_writes(value: Any) -> None:
    assert manifests.dump(value, sort_keys=False) == writer.by_library(value)


def test_a_block_may_end_in_what_looks_like_the_end_of_a_document() -> None:
    assert manifests.dump({"a": "...\n"}) == "a: |\n  ...\n"


def test_the_order_of_keys_is_kept_if_asked() -> None:
    assert manifests.dump({"b": {"d": 1, "c": 2}, "a": 3}, sort_keys=False) == (
        "b:\n  d: 1\n  c: 2\na: 3\n"
    )


def test_the_order_of_keys_does_not_matter_otherwise() -> None:
    assert manifests.dump({"b": {"d": 1, "c": 2}, "a": 3}) == manifests.dump(
        {"a": 3, "b": {"c": 2, "d": 1}}
    )
