from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from backstage_op.api import crd, field_reference

ROOT = Path(__file__).parent.parent.parent
REMEDY = "run backstage-op crd --output crd --docs docs"


def test_the_shipped_definition_is_the_generated_one() -> None:
    shipped = (ROOT / "crd" / crd.FILE_NAME).read_text("utf-8")

    assert shipped == crd.text(), REMEDY


def test_the_shipped_field_reference_is_the_generated_one() -> None:
    shipped = (ROOT / "docs" / "api.md").read_text("utf-8")

    assert shipped == field_reference.markdown(), REMEDY


def test_the_text_reads_back_as_the_definition() -> None:
    assert YAML(typ="safe", pure=True).load(crd.text()) == crd.definition()


def test_versions_are_those_of_the_go_operator() -> None:
    versions = crd.definition()["spec"]["versions"]

    actual = [(v["name"], v["served"], v["storage"]) for v in versions]

    assert actual == [
        ("v1alpha5", True, True),
        ("v1alpha4", True, False),
        ("v1alpha3", False, False),
        ("v1alpha2", False, False),
        ("v1alpha1", False, False),
    ]
    assert [v.get("deprecated", False) for v in versions] == [
        version["served"] is False for version in versions
    ]


def test_served_versions_share_their_schema_so_that_none_loses_a_field() -> None:
    served = [v for v in crd.definition()["spec"]["versions"] if v["served"]]

    assert served[0]["schema"] == served[1]["schema"]


def test_the_definition_fits_into_an_annotation_of_kubectl_apply() -> None:
    assert len(crd.text()) < 262_144


def test_the_field_reference_names_every_field_once() -> None:
    text = field_reference.markdown()

    assert text.count("| `spec.application.extraFiles.secrets[].mountPath` |") == 1
    assert text.count("| `status.conditions[].observedGeneration` |") == 1
    assert text.count("| `spec.application.dynamicPlugins[].dependencies[].ref` |") == 1
