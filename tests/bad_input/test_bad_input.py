"""A user who is wrong reads where, what was found, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.resources import builders

from backstage_op import api, resources
from backstage_op.graph import Report
from backstage_op.operator import status
from backstage_op.operator.findings import Findings, Seen

from . import cases


@pytest.mark.parametrize("case", cases.ALL, ids=lambda case: case.name)
def test_bad_input_is_told_in_the_condition_config(case: cases.BadInput) -> None:
    composition = resources.compose(builders.inputs(**case.given))

    findings = Findings(
        portal=Seen(name="Deployment backstage-my"),
        faults=composition.faults,
        report=None if composition.faults else Report({}),
    )
    published = status.next_status(
        api.BackstageStatus(), 7, findings, datetime(2026, 1, 1, tzinfo=UTC)
    )
    config = next(c for c in published.conditions if c.type == "Config")

    assert (config.status, config.reason, config.message) == (
        ("False", case.reason, case.message) if case.reason else ("True", "Valid", "")
    )
    assert config.observed_generation == 7


def test_all_faults_of_a_resource_are_told_at_once() -> None:
    spec = {
        "application": {
            "appConfig": {"configMaps": [{"name": "absent"}]},
            "extraEnvs": {
                "envs": [{"name": "A", "value": "b", "containers": ["nope"]}]
            },
        },
        "deployment": {"patch": {"spec": {"replicas": -1}}},
        "flavours": [{"name": "unknown"}],
        "rawRuntimeConfig": {"backstageConfig": "raw"},
    }
    raw = {"raw": {"service.yaml": "a: [", "deploymnt.yaml": ""}}

    faults = builders.faults(spec, config_maps=raw)

    assert [fault.partition(":")[0] for fault in faults] == [
        "spec.flavours[0].name",
        'ConfigMap "raw", key deploymnt.yaml',
        "spec.deployment.patch.spec.replicas",
        "spec.application.appConfig.configMaps[0]",
        'ConfigMap "raw", key service.yaml',
        "spec.application.extraEnvs.envs[0]",
    ]
