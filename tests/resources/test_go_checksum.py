"""The digest of the Go operator; the recordings test that it is computed right."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backstage_op import resources
from backstage_op.document import Document
from backstage_op.resources import go_checksum

from .builders import OPENSHIFT, ROUTE, config_map, digest, inputs

_NOTED = "rhdh.redhat.com/config-hash"
_SPEC = {"application": {"extraEnvs": {"configMaps": [{"name": "e"}]}}}


def _inputs(spec: Document = _SPEC, value: str = "1", **fields: Any) -> Any:
    files = {"app-config.yaml": config_map("base", a="{}"), "route.yaml": ROUTE}
    return inputs(
        spec,
        files=files,
        config_maps={"e": {"A": value}},
        platform=OPENSHIFT,
        **fields,
    )


def _taken_over(
    spec: Document = _SPEC, value: str = "1", *, noted: str = ""
) -> Document:
    """Return the Deployment where the Go operator has left its digest."""
    before = go_checksum.digest(_inputs())
    live = resources.LiveWorkload(checksum=before, noted_checksum=noted)
    made = _inputs(spec, value, live_workload=live)
    return resources.compose(made).documents["deployment"]


def test_the_digest_of_the_go_operator_is_kept_and_ours_is_noted() -> None:
    ours = resources.compose(_inputs()).documents["deployment"]

    kept = _taken_over()

    assert digest({"deployment": kept}) == go_checksum.digest(_inputs())
    noted = kept["metadata"]["labels"].pop(_NOTED)
    assert noted == digest({"deployment": ours})[:63]
    template = kept["spec"]["template"]["metadata"]["annotations"]
    template |= {"rhdh.redhat.com/ext-config-hash": digest({"deployment": ours})}
    assert kept == ours


def test_it_stays_while_nothing_changes() -> None:
    first = _taken_over()
    noted = first["metadata"]["labels"][_NOTED]

    assert _taken_over(noted=noted) == first


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (_SPEC, "2"),
        (
            {"application": {**_SPEC["application"], "route": {"host": "new.test"}}},
            "1",
        ),
    ],
    ids=["what it covers", "what the operator makes"],
)
def test_the_first_change_replaces_it(spec: Document, value: str) -> None:
    noted = _taken_over()["metadata"]["labels"][_NOTED]

    changed = _taken_over(spec, value, noted=noted)

    ours = resources.compose(_inputs(spec, value)).documents["deployment"]
    assert changed == ours
    assert digest({"deployment": ours})[:63] != noted


def test_text_comes_before_binary_entries() -> None:
    made = _inputs()
    source = resources.Source("ConfigMap", "e")

    def of(binary: frozenset[str]) -> str:
        data = resources.SourceData({"B": b"2", "A": b"1"}, binary=binary)
        return go_checksum.digest(msgspec.structs.replace(made, sources={source: data}))

    assert of(frozenset()) == of(frozenset({"B"})) != of(frozenset({"A"}))
