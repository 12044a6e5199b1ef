from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backstage_op import resources
from backstage_op.document import Document

from .builders import inputs

_TOKENS = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
]
_REFERENCES: list[tuple[Document, str]] = [
    (
        {"application": {"extraFiles": {"secrets": [{"name": "s", "key": "k"}]}}},
        "spec.application.extraFiles.secrets[0]",
    ),
    (
        {"application": {"extraEnvs": {"secrets": [{"name": "s"}]}}},
        "spec.application.extraEnvs.secrets[0]",
    ),
]


def _faults(made: resources.Inputs) -> list[tuple[str, str]]:
    return [(f.reason, f.message) for f in resources.compose(made).faults]


def _typed(spec: Document, secret_type: str) -> resources.Inputs:
    source = resources.Source("Secret", "s")
    data = resources.SourceData({"k": b"v"}, type=secret_type)
    return msgspec.structs.replace(inputs(spec), sources={source: data})


@pytest.mark.parametrize("secret_type", _TOKENS)
@pytest.mark.parametrize(("spec", "path"), _REFERENCES)
def test_a_token_of_the_cluster_does_not_reach_the_pod(
    spec: Document, path: str, secret_type: str
) -> None:
    assert _faults(_typed(spec, secret_type)) == [
        (
            "ForbiddenReference",
            (
                f'{path}: Secret "s" is of type {secret_type}, which must not reach a '
                "pod; use a Secret of your own"
            ),
        )
    ]


@pytest.mark.parametrize("secret_type", ["", "Opaque", "kubernetes.io/tls"])
@pytest.mark.parametrize(("spec", "_path"), _REFERENCES)
def test_any_other_secret_does(spec: Document, _path: str, secret_type: str) -> None:
    assert _faults(_typed(spec, secret_type)) == []


def test_a_manifest_cannot_make_one() -> None:
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "type": _TOKENS[0],
    }

    assert _faults(inputs(files={"secret-envs.yaml": manifest})) == [
        (
            "ForbiddenReference",
            (
                f'default configuration (test), key secret-envs.yaml: Secret "s" is of '
                f"type {_TOKENS[0]}, which must not reach a pod; "
                "use a Secret of your own"
            ),
        )
    ]
