"""What messages call a value of a JSON tree."""

from __future__ import annotations

from typing import Any

import pytest

from backstage_op.config import words


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"a": 1}, "an object"),
        ([1], "a list"),
        ("hunter2", "a text"),
        (True, "true or false"),
        (1, "a whole number"),
        (1.5, "a number"),
        (None, "nothing"),
    ],
)
def test_a_value_is_called_by_its_type_alone(value: Any, word: str) -> None:
    assert words.found(value) == word
