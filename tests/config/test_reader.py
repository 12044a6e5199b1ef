"""YAML scalars mean what they mean to Go, and texts without bounds are refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import warnings
from typing import Any

import pytest
from ruamel.yaml import YAML

from backstage_op.config import reader

# What ``kubectl`` 1.34 makes of each text, written down.
SCALARS: list[tuple[str, Any]] = [
    ("on", True),
    ("yes", True),
    ("y", True),
    ("n", False),
    ("NO", False),
    ("off", False),
    ("Off", False),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("yEs", "yEs"),
    ("'yes'", "yes"),
    ("'5'", "5"),
    ("0644", 420),
    ("-0644", -420),
    ("0o644", 420),
    ("0755 ", 493),
    ("007", 7),
    ("0_7", 7),
    ("08", 8),
    ("09.5", 9.5),
    ("1_000", 1000),
    ("_1", "_1"),
    ("+1", 1),
    ("-0", 0),
    ("0x1F", 31),
    ("0x", "0x"),
    ("0b11", 3),
    ("0b2", "0b2"),
    ("9007199254740993", 9007199254740993),
    ("1e3", 1000),
    ("12e03", 12000),
    ("1e", "1e"),
    ("1.", 1),
    ("1.0", 1),
    ("0.10", 0.1),
    ("1.10", 1.1),
    ("0.5", 0.5),
    (".5", 0.5),
    ("0.1e-7", 1e-08),
    ("1e21", 1e21),
    ("1e400", "1e400"),
    ("1:30", "1:30"),
    ("190:20:30", "190:20:30"),
    ("12:30:45.5", "12:30:45.5"),
    ("2026-01-01", "2026-01-01"),
    ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("", None),
    ("nUll", "nUll"),
    ("=", "="),
    ("<<", "<<"),
    ("10m", "10m"),
    ("250m", "250m"),
    ("1Gi", "1Gi"),
    ("!!str 5", "5"),
    ("!!int '3'", 3),
    ("!!float 3", 3),
    ("!!bool 'true'", True),
    ("!!null ''", None),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_a_scalar_has_the_type_and_value_that_go_gives_it(
    text: str, expected: object
) -> None:
    actual = reader.read(f"v: {text}\n")["v"]

    assert (actual, type(actual)) == (expected, type(expected))


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is the oracle, and is not on PATH"
)
def test_the_table_of_scalars_is_what_this_kubectl_says() -> None:
    spec = "".join(f"  v{n}: {text}\n" for n, (text, _) in enumerate(SCALARS))
    document = f"apiVersion: x.io/v1\nkind: Foo\nmetadata: {{name: a}}\nspec:\n{spec}"
    result = subprocess.run(
        ["kubectl", "patch", "--local", "--type=merge", "-f-", "-p{}", "-ojson"],
        input=document,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": "/x", "KUBECONFIG": "/dev/null"},
    )

    assert json.loads(result.stdout)["spec"] == {
        f"v{n}": expected for n, (_, expected) in enumerate(SCALARS)
    }


def test_keys_become_strings() -> None:
    actual = reader.read("1: a\nyes: b\n0x10: c\n1.5: d\n")

    assert actual == {"1": "a", "true": "b", "16": "c", "1.5": "d"}


def test_a_repeated_anchor_is_no_warning_that_would_show_the_lines() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert reader.read("a: &x 1\nb: &x 2\n") == {"a": 1, "b": 2}


def test_a_merge_key_takes_mappings_written_in_place() -> None:
    actual = reader.read("a: {<<: {x: 1, z: 1}, z: 2}\nb: {<<: [{x: 1}, {x: 2}]}\n")

    assert actual == {"a": {"x": 1, "z": 2}, "b": {"x": 1}}


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_text_is_none(text: str) -> None:
    assert reader.read(text) is None


def test_byte_order_mark_and_crlf_are_accepted() -> None:
    assert reader.read("\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n") == {
        "a": 1,
        "b": "x\ny\n",
    }


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("a: 1\n  b: [", 2, 4, "mapping values are not allowed here"),
        ("a:\n\t- b\n", 2, 1, r"found character '\t' that cannot start any token"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, 'duplicate key "a"; keep one'),
        (
            "a: &x 1\nb: *x\n",
            2,
            4,
            "aliases are not accepted; write the value out",
        ),
        (
            "a: &a [*a]\n",
            1,
            8,
            "aliases are not accepted; write the value out",
        ),
        (
            "a: !!python/object:x {}\n",
            1,
            4,
            "the tag tag:yaml.org,2002:python/object:x is not accepted; remove it",
        ),
        ("a: !mine 3\n", 1, 4, "the tag !mine is not accepted; remove it"),
        *(
            (
                f"a: {word}\n",
                1,
                4,
                "the value is no JSON number; correct it or quote it",
            )
            for word in (".inf", "-.inf", ".nan")
        ),
        (
            f"a: {1 << 64}\n",
            1,
            4,
            "the value is no JSON integer of 64 bits; correct it or quote it",
        ),
        ("? [a]\n: 1\n", 1, 3, "a key must be a string"),
        ("~: 1\n", 1, 1, "a key must be a string"),
        ("a: {<<: 1}\n", 1, 9, "the key << takes a mapping or a list of mappings"),
        ("a: 1\nb: \x01\n", 2, 0, "a control character is not accepted"),
        (
            'a: "\\ud800"\n',
            1,
            4,
            "the value is no JSON text; correct it or quote it",
        ),
        ("{a: " * 1100, 1, 254, "nested deeper than 64 levels; flatten it"),
        ("- " * 1100, 1, 129, "nested deeper than 64 levels; flatten it"),
        ("[" * 3000, 1, 65, "nested deeper than 64 levels; flatten it"),
    ],
)
def test_a_fault_names_line_column_and_remedy(
    text: str, line: int, column: int, problem: str
) -> None:
    with pytest.raises(reader.YamlFault) as caught:
        reader.read(text)

    fault = caught.value
    assert (fault.line, fault.column, fault.problem) == (line, column, problem)


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2\npassword: hunter2\n",
        "password: hunter2: x\n",
        'password: "hunter2\n',
        "password: !!int hunter2\n",
        "password: [hunter2\n",
        "password: &hunter hunter2\nx: *nowhere\n",
        "- hunter2\npassword: hunter2\n",
        "password: |\n hunter2\n\thunter2\nhunter2\n",
    ],
)
def test_a_fault_never_shows_a_value(text: str) -> None:
    with pytest.raises(reader.YamlFault) as caught:
        reader.read(text)

    assert "hunter2" not in caught.value.problem
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"a: {'x' * reader.MAX_BYTES}", "larger than 1048576 bytes; split it"),
        ("[" + "1," * 20_001 + "]", "more than 20000 values; split the document"),
    ],
)
def test_a_text_without_bounds_is_refused(text: str, problem: str) -> None:
    with pytest.raises(reader.YamlFault) as caught:
        reader.read(text)

    assert caught.value.problem == problem


def test_an_alias_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    before = time.process_time()

    with pytest.raises(reader.YamlFault, match="aliases are not accepted"):
        reader.read("\n".join(lines))

    assert time.process_time() - before < 1


def test_other_users_of_the_yaml_library_are_not_affected() -> None:
    assert YAML(typ="safe", pure=True).load("a: 0644\nb: yes\n") == {
        "a": 644,
        "b": "yes",
    }
