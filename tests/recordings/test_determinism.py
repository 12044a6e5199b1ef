"""The same inputs give the same bytes, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from backstage_op import resources

from . import cases

_ROOT: Final = Path(__file__).parent.parent.parent
_SCRIPT: Final = """
import json, sys
from backstage_op import resources
from tests.recordings import cases

for name in cases.NAMES:
    composition = resources.compose(cases.case(name).inputs)
    print(name, json.dumps(composition.documents))
    print([made.key for made in composition.objects])
    print([made.needs for made in composition.objects])
    print([fault.message for fault in composition.faults])
"""


def test_no_order_depends_on_the_hash_seed() -> None:
    outputs = {_composed(seed) for seed in ("0", "1", "4242")}

    (output,) = outputs
    assert output.count(b"\n") == 4 * len(cases.NAMES)


@pytest.mark.parametrize("name", ["empty-full", "raw-config"])
def test_computing_twice_changes_nothing(name: str) -> None:
    composition = resources.compose(cases.case(name).inputs)

    again = {made.key: made.desired() for made in composition.objects}

    assert again == composition.documents


def _composed(seed: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        check=True,
        capture_output=True,
        cwd=_ROOT,
        env={
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join([str(_ROOT / "src"), str(_ROOT)]),
        },
    ).stdout
