"""What ours makes of the inputs that the Go operator was recorded with.

Whole objects are compared: what the pods are made of in particular, because a
team that changes operators must not see one of them restart.
"""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from backstage_op import config, resources
from backstage_op.document import Document
from backstage_op.resources import go_checksum

from . import cases, comparison, differences, pods
from .refusals import REFUSALS

REFUSED_BY_GO_ALONE: Final = "app-config-key-of-many"

EQUAL: Final = tuple(
    name for name in cases.NAMES if name not in {*REFUSALS, REFUSED_BY_GO_ALONE}
)


def test_every_recording_is_judged() -> None:
    assert len(cases.NAMES) == 32
    judged = {*EQUAL, *REFUSALS, REFUSED_BY_GO_ALONE}
    assert judged == set(cases.NAMES)


@pytest.mark.parametrize("name", EQUAL)
def test_the_same_objects_are_made_but_for_deliberate_differences(name: str) -> None:
    case = cases.case(name)

    composition = resources.compose(case.inputs)

    assert composition.faults == ()
    recorded = {key: comparison.normalized(doc) for key, doc in case.applied.items()}
    made = {
        (doc["kind"], doc["metadata"]["name"]): comparison.normalized(doc)
        for doc in composition.documents.values()
    }
    assert made == differences.expected(name, recorded)


def test_a_stateful_set_that_is_taken_over_is_left_as_it_is() -> None:
    case = cases.case("stateful-set")
    recorded = case.applied["StatefulSet", "backstage-my"]

    inputs = msgspec.structs.replace(
        case.inputs, live_workload=resources.read_live_workload(recorded)
    )
    documents = resources.compose(inputs).documents

    made = comparison.normalized(documents["deployment"])
    assert made["metadata"]["labels"].pop("rhdh.redhat.com/config-hash")
    assert made == comparison.normalized(recorded)
    assert "headless-service" not in documents


@pytest.mark.parametrize(
    "name", [name for name in cases.NAMES if cases.case(name).applied]
)
def test_the_digest_that_the_go_operator_left_is_recognized(name: str) -> None:
    case = cases.case(name)
    workload = next(
        document
        for (kind, found), document in case.applied.items()
        if found == "backstage-my" and kind in ("Deployment", "StatefulSet")
    )

    recorded = resources.read_live_workload(workload).checksum

    assert go_checksum.digest(case.inputs) == recorded


@pytest.mark.parametrize("difference", differences.DIFFERENCES, ids=lambda d: d.why)
def test_every_difference_shows_somewhere(difference: differences.Difference) -> None:
    shown = set()
    for name in difference.cases or EQUAL:
        before = {
            key: comparison.normalized(doc)
            for key, doc in cases.case(name).applied.items()
        }
        after = {key: comparison.normalized(doc) for key, doc in before.items()}
        difference.apply(after)
        if before != after:
            shown.add(name)

    assert shown if not difference.cases else shown == difference.cases


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_work_is_refused_with_place_value_and_remedy(name: str) -> None:
    refusal = REFUSALS[name]

    faults = resources.compose(cases.case(name).inputs).faults

    assert tuple(fault.message for fault in faults) == refusal.messages
    assert {type(fault) for fault in faults} == {refusal.kind}
    assert {fault.reason for fault in faults} == {refusal.reason}


def test_an_app_config_of_many_entries_works_with_a_key() -> None:
    composition = resources.compose(cases.case("app-config-key-of-many").inputs)

    assert composition.faults == ()
    backend = pods.containers(composition.documents["deployment"])["backstage-backend"]
    assert backend["args"] == [
        "--config",
        "/opt/app-root/src/default.app-config.yaml",
        "--config",
        "/conf/a.yaml",
        "--config",
        "/conf/d.yaml",
        "--config",
        "/three/e.yaml",
        "--config",
        "/conf/sub/four/f.yaml",
    ]
    assert backend["volumeMounts"][1:] == [
        _file("/conf/a.yaml", "one", "a.yaml"),
        _file("/conf/d.yaml", "two", "d.yaml"),
        {"mountPath": "/three", "name": "three"},
        _file("/conf/sub/four/f.yaml", "four", "f.yaml"),
    ]


@pytest.mark.parametrize(
    "name", ["dynamic-plugins", "empty-full", "extra-envs", "idle", "raw-config"]
)
def test_the_same_plugins_are_on_as_with_the_go_operator(name: str) -> None:
    case = cases.case(name)
    made = resources.compose(case.inputs).documents["dynamic-plugins"]
    recorded = case.applied["ConfigMap", "backstage-dynamic-plugins-my"]

    assert _switches(made) == _switches(recorded)


@pytest.mark.parametrize("name", EQUAL)
def test_nothing_is_null(name: str) -> None:
    documents = resources.compose(cases.case(name).inputs).documents

    assert [
        f"{key}{path}" for key, doc in documents.items() for path in pods.nulls(doc)
    ] == []


@pytest.mark.parametrize("name", EQUAL)
def test_pods_refer_only_to_what_exists(name: str) -> None:
    case = cases.case(name)
    documents = resources.compose(case.inputs).documents

    existing = {(d["kind"], d["metadata"]["name"]) for d in documents.values()}
    existing |= {
        (source.kind, source.name)
        for source, content in case.inputs.sources.items()
        if content is not None
    }
    existing |= {("PersistentVolumeClaim", claim) for claim in case.inputs.claims}
    if name == "patch":
        # The patch of the user names a claim that nobody made.
        existing.add(("PersistentVolumeClaim", "dp"))
    referred = {ref for doc in documents.values() for ref in pods.references(doc)}
    assert referred <= existing


@pytest.mark.parametrize("name", EQUAL)
def test_every_object_is_applied_before_what_needs_it(name: str) -> None:
    composition = resources.compose(cases.case(name).inputs)

    needs = {
        made.key: {need.key for need in made.needs} for made in composition.objects
    }
    assert set().union(*needs.values()) <= needs.keys()
    by_identity = {
        (doc["kind"], doc["metadata"]["name"]): key
        for key, doc in composition.documents.items()
    }
    for key in ("deployment", "db-statefulset"):
        for reference in pods.references(composition.documents.get(key, {})):
            if reference in by_identity:
                assert by_identity[reference] in needs[key]


def _file(path: str, volume: str, key: str) -> Document:
    return {"mountPath": path, "name": volume, "readOnly": True, "subPath": key}


def _switches(config_map: Document) -> dict[str, bool]:
    text = config_map["data"]["dynamic-plugins.yaml"]
    found = config.plugins.parse(text, source="recording")
    return {p["package"]: config.plugins.is_enabled(p) for p in found.plugins}
