from __future__ import annotations

from typing import Any

import pytest
from tests.operator.stage import LABELS, owner

from backstage_op import kube, resources
from backstage_op.operator.ownership import Bond, bond_of

INSTANCE = resources.Instance("my", "ns", "uid-1")
APPLIED = {"manager": "backstage-controller", "operation": "Apply", "fieldsV1": {}}
CREATED = {"manager": "backstage-controller", "operation": "Update", "fieldsV1": {}}
APPLY = resources.Lifecycle.APPLY
ONCE = resources.Lifecycle.CREATE_ONCE


def _secret(**metadata: Any) -> kube.Observed:
    return kube.Observed.of(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "a", "namespace": "ns", **metadata},
        }
    )


@pytest.mark.parametrize(
    ("lifecycle", "metadata", "bond"),
    [
        (APPLY, {"ownerReferences": [owner("uid-1")]}, Bond.OURS),
        (APPLY, {"ownerReferences": [owner("uid-0")]}, Bond.PREVIOUS),
        (APPLY, {"ownerReferences": [owner("uid-0", name="your")]}, Bond.FOREIGN),
        (APPLY, {"ownerReferences": [owner("x", kind="Other")]}, Bond.FOREIGN),
        (APPLY, {"managedFields": [APPLIED]}, Bond.OURS),
        (APPLY, {"labels": LABELS}, Bond.FOREIGN),
        (APPLY, {}, Bond.FOREIGN),
        (ONCE, {"labels": LABELS}, Bond.OURS),
        (ONCE, {"managedFields": [CREATED]}, Bond.OURS),
        (
            ONCE,
            {"labels": LABELS, "ownerReferences": [owner("x", kind="Other")]},
            Bond.FOREIGN,
        ),
        (
            ONCE,
            {"labels": LABELS, "ownerReferences": [owner("uid-0")]},
            Bond.PREVIOUS,
        ),
        (ONCE, {}, Bond.FOREIGN),
    ],
)
def test_the_bond_of_an_object(
    lifecycle: resources.Lifecycle, metadata: dict[str, Any], bond: Bond
) -> None:
    assert bond_of(INSTANCE, lifecycle, _secret(**metadata)) is bond
