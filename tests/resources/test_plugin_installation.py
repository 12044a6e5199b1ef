"""Which catalog of plugins the init container is told of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backstage_op import resources

from .builders import composed, container, workload

NAME = "CATALOG_INDEX_IMAGE"
OTHER = {"name": "OTHER", "value": "x"}
MANIFEST = workload(
    initContainers=[
        {
            "name": "install-dynamic-plugins",
            "env": [{"name": NAME, "value": "manifest"}, OTHER],
        }
    ]
)


def index(spec: dict[str, Any] | None = None, **arguments: Any) -> dict[str, str]:
    """Return the variables of the init container, without that of the installer."""
    documents = composed(spec, **arguments)
    env = container(documents, "install-dynamic-plugins").get("env", [])
    return {e["name"]: e["value"] for e in env if e["name"] != "INPUT_FILE"}


@pytest.mark.parametrize("installer", ["", "installer:1"])
def test_the_catalog_of_the_operator_replaces_that_of_the_manifest(
    installer: str,
) -> None:
    images = resources.Images(catalog_index="index:1", plugin_installer=installer)

    assert index(images=images) == {NAME: "index:1"}
    files = {"deployment.yaml": MANIFEST}
    assert index(files=files, images=images) == {"OTHER": "x", NAME: "index:1"}


def test_without_one_that_of_the_manifest_stays() -> None:
    assert index(files={"deployment.yaml": MANIFEST}) == {
        NAME: "manifest",
        "OTHER": "x",
    }


@pytest.mark.parametrize(
    "spec",
    [
        {
            "application": {
                "extraEnvs": {
                    "envs": [
                        {
                            "name": NAME,
                            "value": "own",
                            "containers": ["install-dynamic-plugins"],
                        }
                    ]
                }
            }
        },
        {
            "deployment": {
                "patch": {
                    "spec": {
                        "template": {
                            "spec": {
                                "initContainers": [
                                    {
                                        "name": "install-dynamic-plugins",
                                        "env": [{"name": NAME, "value": "own"}],
                                    }
                                ]
                            }
                        }
                    }
                }
            }
        },
    ],
    ids=["variable", "patch"],
)
def test_that_of_a_user_wins(spec: dict[str, Any]) -> None:
    images = resources.Images(catalog_index="index:1")

    assert index(spec, images=images) == {NAME: "own"}


def test_that_of_a_raw_manifest_wins() -> None:
    images = resources.Images(catalog_index="index:1")
    spec = {"rawRuntimeConfig": {"backstageConfig": "raw"}}

    raw = {"raw": {"deployment.yaml": json.dumps(MANIFEST)}}
    assert index(spec, images=images, config_maps=raw)[NAME] == "manifest"
    silent = {"raw": {"deployment.yaml": json.dumps(workload())}}
    assert index(spec, images=images, config_maps=silent) == {NAME: "index:1"}
