from __future__ import annotations

import base64
from typing import Any

import pytest

from backstage_op import resources
from backstage_op.document import Document

from .builders import backend, composed, config_map, inputs, metadata, workload

_REFERS = "backend: {auth: {keys: [{secret: '${BACKEND_SECRET}'}]}}"
_ENTRY = {
    "name": "BACKEND_SECRET",
    "valueFrom": {
        "secretKeyRef": {"name": "backstage-backend-secret-my", "key": "BACKEND_SECRET"}
    },
}


def _made(text: str = _REFERS, spec: Document | None = None, /, **more: Any) -> Any:
    files = {"app-config.yaml": config_map("base", **{"a.yaml": text})}
    files |= more.pop("files", {})
    return composed(spec, files=files, backend_secret="value", **more)


def test_it_is_made_once_and_injected_where_an_app_config_refers_to_it() -> None:
    documents = _made()

    assert documents["backend-secret"] == {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": metadata("backstage-backend-secret-my"),
        "data": {"BACKEND_SECRET": base64.b64encode(b"value").decode()},
    }
    assert backend(documents)["env"] == [_ENTRY]


def test_its_value_is_kept_and_shown_nowhere() -> None:
    files = {"app-config.yaml": config_map("base", a=_REFERS)}
    objects = resources.compose(inputs(files=files, backend_secret="value")).objects

    secret = next(made for made in objects if made.key == "backend-secret")

    assert secret.lifecycle is resources.Lifecycle.CREATE_ONCE
    assert "value" not in repr(secret)
    needs = {made.key: made.needs for made in objects}["deployment"]
    assert "backend-secret" in {need.key for need in needs}


@pytest.mark.parametrize(
    "text",
    [
        "a: ${BACKEND_SECRET:-x}",
        "a: {$env: BACKEND_SECRET}",
        "a: 'x${BACKEND_SECRET}y'",
    ],
)
def test_every_way_to_refer_to_it_counts(text: str) -> None:
    assert "backend-secret" in _made(text)


@pytest.mark.parametrize(
    "text", ["a: $${BACKEND_SECRET}", "a: ${BACKEND_SECRETS}", "a: BACKEND_SECRET", ""]
)
def test_what_does_not_refer_to_it_leaves_the_portal_alone(text: str) -> None:
    documents = _made(text)

    assert "backend-secret" not in documents
    assert "env" not in backend(documents)


@pytest.mark.parametrize(
    "envs",
    [
        {"envs": [{"name": "BACKEND_SECRET", "value": "mine"}]},
        {"secrets": [{"name": "s"}]},
        {"secrets": [{"name": "s", "key": "BACKEND_SECRET"}]},
    ],
)
def test_one_of_the_user_is_enough(envs: Document) -> None:
    documents = _made(
        _REFERS,
        {"application": {"extraEnvs": envs}},
        secrets={"s": {"BACKEND_SECRET": "mine"}},
    )

    assert "backend-secret" not in documents


def test_one_for_another_container_is_not() -> None:
    env = {
        "name": "BACKEND_SECRET",
        "value": "mine",
        "containers": ["install-dynamic-plugins"],
    }

    assert "backend-secret" in _made(
        _REFERS, {"application": {"extraEnvs": {"envs": [env]}}}
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"env": [{"name": "BACKEND_SECRET", "value": "mine"}]},
        {"envFrom": [{"secretRef": {"name": "never-read"}}]},
    ],
)
def test_a_manifest_that_may_set_it_is_left_alone(fields: Document) -> None:
    containers = [{"name": "backstage-backend", "image": "b"} | fields]

    documents = _made(files={"deployment.yaml": workload(containers=containers)})

    assert "backend-secret" not in documents


def test_an_app_config_of_the_user_counts_too() -> None:
    spec = {"application": {"appConfig": {"configMaps": [{"name": "own"}]}}}

    assert "backend-secret" in _made(
        "", spec, config_maps={"own": {"own.yaml": _REFERS}}
    )
