from __future__ import annotations

import pytest

from backstage_op.document import Document

from .builders import composed, faults

_KEY = (
    "not a key of metadata; use at most 63 letters, digits, '-', '_' and '.', after a "
    "DNS name and '/' if you like"
)
_VALUE = (
    "not the value of a label; use at most 63 letters, digits, '-', '_' and '.', "
    "beginning and ending with a letter or digit"
)


@pytest.mark.parametrize("value", ["a" * 64, "a b", "-a", "a\n", "é"])
@pytest.mark.parametrize("field", ["commonMetadata", "monitoring"])
def test_a_label_that_no_object_could_carry_is_a_fault_of_the_field(
    field: str, value: str
) -> None:
    spec = {field: {"labels": {"team": value}}}

    assert faults(spec) == [f'spec.{field}.labels["team"]: {_VALUE}']


@pytest.mark.parametrize(
    "key", ["", "a" * 64, "a b", "/a", "a/b/c", "UPPER.com/a", "x" * 254 + "/a", "a/"]
)
@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"commonMetadata": {"labels": {}}}, "spec.commonMetadata.labels"),
        ({"commonMetadata": {"annotations": {}}}, "spec.commonMetadata.annotations"),
        (
            {"application": {"ingress": {"annotations": {}}}},
            "spec.application.ingress.annotations",
        ),
    ],
)
def test_so_is_a_key(spec: Document, path: str, key: str) -> None:
    *_, last = path.split(".")

    def filled(tree: Document) -> Document:
        return {
            field: {key: "v"} if field == last else filled(value)
            for field, value in tree.items()
        }

    assert faults(filled(spec)) == [f'{path}["{key}"]: {_KEY}']


def test_what_objects_carry_is_fine() -> None:
    labels = {"a": "", "example.com/b": "x" * 63, "B_1.c": "A-b_c.d"}
    spec = {
        "commonMetadata": {"labels": labels, "annotations": {"a": "any text\n"}},
        "monitoring": {"enabled": True, "labels": labels},
    }

    made = composed(spec)["service-monitor"]["metadata"]

    assert made["labels"].items() >= labels.items()
