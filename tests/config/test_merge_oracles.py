"""Strategic merge, against the two programs that define it.

``kubectl patch --local --type=strategic`` is the oracle of the API server's
dialect, ``kubectl kustomize`` of the other one; both work without a cluster.
More random cases: ``MERGE_CASES=10000``; the same again: ``--seed``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from backstage_op.config import ListMode, merge

from .merge_cases import Generator

Tree: TypeAlias = dict[str, Any]

CASES: Final = int(os.environ.get("MERGE_CASES", "2000"))
_PATCH: Final = ("patch", "--local", "-o=json")

# A process is the most expensive part of a case: kubectl applies one patch to
# many objects, kustomize many patches to as many objects. More of the latter
# take much longer, since it compares each with each.
_OBJECTS: Final = 25
_PATCHES: Final = 100


@pytest.mark.timeout(900)
def test_kubectl_mode_gives_what_kubectl_gives(
    kubectl: str, tmp_path: Path, seed: int
) -> None:
    generator = Generator(seed)
    groups = []
    for _ in range(CASES // _OBJECTS):
        bases = [generator.deployment(f"d{number}") for number in range(_OBJECTS)]
        patch = generator.patch()
        generator.add_directives(patch)
        groups.append((bases, patch))

    def oracle(number: int) -> list[Tree]:
        bases, patch = groups[number]
        file = tmp_path / f"{number}.json"
        file.write_text(
            json.dumps({"apiVersion": "v1", "kind": "List", "items": bases})
        )
        arguments = (f"-f{file}", "--type=strategic", f"-p{json.dumps(patch)}")
        return list(_several(_run(kubectl, *_PATCH, *arguments)))

    compared = 0
    with ThreadPoolExecutor(2) as executor:
        for (bases, patch), expected in zip(
            groups, executor.map(oracle, range(len(groups))), strict=True
        ):
            for base, one in zip(bases, expected, strict=True):
                actual = merge(base, patch, mode=ListMode.KUBECTL)

                assert _normal(actual) == _normal(one), (seed, base, patch)
                compared += 1
    print(f"{compared} cases equal to kubectl, seed {seed}")
    assert compared == CASES // _OBJECTS * _OBJECTS


@pytest.mark.timeout(900)
def test_prepend_mode_gives_what_kustomize_gives(
    kubectl: str, tmp_path: Path, seed: int
) -> None:
    generator = Generator(seed)
    groups = [
        [(generator.deployment(f"d{n}"), generator.patch()) for n in range(_PATCHES)]
        for _ in range(CASES // _PATCHES)
    ]

    def oracle(number: int) -> dict[str, Tree]:
        folder = tmp_path / str(number)
        folder.mkdir()
        _write_kustomization(folder, groups[number])
        text = _run(kubectl, "kustomize", str(folder))
        # Of the two, kubectl is the one that reads YAML fast.
        text = _run(kubectl, *_PATCH, "-f-", "--type=merge", "-p{}", given=text)
        return {tree["metadata"]["name"]: tree for tree in _several(text)}

    compared = 0
    with ThreadPoolExecutor(2) as executor:
        for cases, expected in zip(
            groups, executor.map(oracle, range(len(groups))), strict=True
        ):
            for base, patch in cases:
                actual = merge(base, patch, mode=ListMode.PREPEND)
                one = expected[base["metadata"]["name"]]

                assert _normal(actual) == _normal(one), (seed, base, patch)
                compared += 1
    print(f"{compared} cases equal to kustomize, seed {seed}")
    assert compared == CASES // _PATCHES * _PATCHES


def _write_kustomization(folder: Path, cases: list[tuple[Tree, Tree]]) -> None:
    names = [f"{number}.json" for number in range(len(cases))]
    kustomization = {
        "resources": ["bases.yaml"],
        "patches": [{"path": n} for n in names],
    }
    (folder / "kustomization.yaml").write_text(json.dumps(kustomization))
    (folder / "bases.yaml").write_text("\n---\n".join(json.dumps(b) for b, _ in cases))
    for name, (base, patch) in zip(names, cases, strict=True):
        identity = {"name": base["metadata"]["name"]}
        document = {
            **{field: base[field] for field in ("apiVersion", "kind")},
            **patch,
            "metadata": patch.get("metadata", {}) | identity,
        }
        (folder / name).write_text(json.dumps(document))


def _run(program: str, *arguments: str, given: str = "") -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "KUBECONFIG": "/dev/null",
    }
    return subprocess.run(
        [program, *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    ).stdout


def _several(text: str) -> Iterator[Tree]:
    """Yield the JSON documents of a text that has one after the other."""
    decoder = json.JSONDecoder()
    rest = text.strip()
    while rest:
        tree, end = decoder.raw_decode(rest)
        yield tree
        rest = rest[end:].strip()


def _normal(value: Any) -> Any:
    """Drop what a round trip through Go's types adds: empty structs and lists."""
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    items = {key: _normal(item) for key, item in value.items()}
    return {
        key: item
        for key, item in items.items()
        if item not in ({}, None, []) or (key == "emptyDir" and item is not None)
    }
