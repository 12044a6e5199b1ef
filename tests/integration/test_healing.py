"""What somebody else changes about our objects comes back; what is theirs stays."""

from __future__ import annotations

import copy
import functools
from typing import Any, Final

import pytest

from backstage_op import kube
from backstage_op.document import Document

from .process import wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

PORTAL: Final = "backstage-my"
MANAGER: Final = "backstage-controller"
OBJECTS: Final = (
    (kube.DEPLOYMENT, PORTAL),
    (kube.SERVICE, PORTAL),
    (kube.STATEFUL_SET, "backstage-psql-my"),
    (kube.SERVICE, "backstage-psql-my"),
    (kube.CONFIG_MAP, "backstage-appconfig-my-default"),
)
SECRETS: Final = ("backstage-psql-secret-my", "backstage-checksum-key-my")
STRIPPED: Final = {"metadata": {"labels": None, "ownerReferences": None}}
IMMUTABLE: Final = ("selector", "serviceName", "volumeClaimTemplates", "clusterIP")


def _ours(live: Document) -> Document:
    """Return the labels, owners and fields of an object that we own."""
    metadata = live["metadata"]
    kept = {key: live.get(key) for key in ("spec", "data") if key in live}
    return copy.deepcopy(
        {
            "labels": metadata.get("labels"),
            "ownerReferences": metadata.get("ownerReferences"),
            **kept,
        }
    )


def _drifts(live: Document) -> list[Document]:
    """Return a merge patch for each value that we own and that can be changed."""
    (entry,) = (
        entry
        for entry in live["metadata"]["managedFields"]
        if (entry["manager"], entry["operation"]) == (MANAGER, "Apply")
        and not entry.get("subresource")
    )
    fields = {k: v for k, v in entry["fieldsV1"].items() if k in ("f:spec", "f:data")}
    return list(_changes(live, fields))


def _changes(live: Document, fields: dict[str, Any]) -> list[Document]:
    found: list[Document] = []
    for field, below in fields.items():
        name = field[2:]
        value = live.get(name)
        if not field.startswith("f:") or value is None or name in IMMUTABLE:
            continue
        if isinstance(value, dict) and below:
            found += [{name: change} for change in _changes(value, below)]
        elif isinstance(value, str):
            found.append({name: _other(value)})
        elif isinstance(value, int) and not isinstance(value, bool):
            found.append({name: value + 1})
    return found


def _other(value: str) -> str:
    choices = {"RollingUpdate": "Recreate", "Recreate": "RollingUpdate"}
    return choices.get(value, f"{value}0")


def _is_as(scene: Scene, kind: kube.ResourceKind, name: str, wanted: Document) -> bool:
    return _ours(scene.get(kind, name)) == wanted


def test_every_value_that_is_ours_comes_back(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    drifts = 0
    for kind, name in OBJECTS:
        live = scene.get(kind, name)
        wanted = _ours(live)
        for drift in [*_drifts(live), STRIPPED]:
            try:
                changed = scene.patch(kind, name, drift)
            except Exception as error:
                if "422" not in str(error):
                    raise
                continue
            if _ours(changed) == wanted:
                continue
            drifts += 1
            wait_until(
                functools.partial(_is_as, scene, kind, name, wanted),
                f"{kind.kind} {name}: {drift} stays",
            )
    assert drifts >= len(OBJECTS) * 2


@pytest.mark.parametrize("name", SECRETS)
def test_labels_and_owner_of_what_is_made_once_come_back(
    scene: Scene, name: str
) -> None:
    scene.backstage()
    scene.wait_deployed()
    wanted = _ours(scene.get(kube.SECRET, name))
    portal = scene.get(kube.DEPLOYMENT, PORTAL)

    scene.patch(kube.SECRET, name, STRIPPED)

    wait_until(
        lambda: _ours(scene.get(kube.SECRET, name)) == wanted,
        lambda: str(scene.get(kube.SECRET, name)["metadata"]),
    )
    scene.wait_deployed()
    generation = scene.get(kube.DEPLOYMENT, PORTAL)["metadata"]["generation"]
    assert generation == portal["metadata"]["generation"]


def test_what_others_add_is_kept(scene: Scene) -> None:
    scene.backstage()
    scene.wait_deployed()
    template = {"spec": {"replicas": 3, "template": {"metadata": {}}}}
    annotations = {"example.com/injected": "yes"}
    template["spec"]["template"]["metadata"]["annotations"] = annotations  # type: ignore[index]
    scene.patch(kube.DEPLOYMENT, PORTAL, template)
    scene.wait_deployed()
    since = scene.mark()

    scene.backstage(annotations={"example.com/look": "again"})
    scene.wait_deployed()

    spec = scene.get(kube.DEPLOYMENT, PORTAL)["spec"]
    assert spec["replicas"] == 3
    assert spec["template"]["metadata"]["annotations"].items() >= annotations.items()
    assert "deployments" not in scene.written(since)


def test_a_foreign_secret_is_neither_read_nor_touched(scene: Scene) -> None:
    foreign = scene.apply(
        "v1", "Secret", "backstage-psql-secret-my", data={"POSTGRES_PASSWORD": "eA=="}
    )

    scene.backstage()

    message = scene.wait_condition("Config", "False", "OwnershipConflict")
    assert "backstage-psql-secret-my" in message
    assert scene.get(kube.SECRET, "backstage-psql-secret-my") == foreign
    assert scene.names(kube.STATEFUL_SET) == []
    wait_until(
        lambda: scene.find(kube.SERVICE, PORTAL) is not None, "the rest is held up"
    )
