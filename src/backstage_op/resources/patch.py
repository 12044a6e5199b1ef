"""The user's patch of the workload, ``spec.deployment.patch``.

It is a fragment of a Deployment or StatefulSet, merged as the Go operator
merges it: after image and kind are settled, so that the patch wins, and before
what is mounted and injected, so that a container that the patch adds gets its
share. Name, namespace, owner and selector stay the operator's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from backstage_op import api, config, errors
from backstage_op.document import Document

from . import naming, pod_template, privileges

PATH: Final = "spec.deployment.patch"

_TEMPLATE: Final = "spec.template"
_OTHER_KINDS: Final = {
    "Deployment": (
        "ordinals",
        "persistentVolumeClaimRetentionPolicy",
        "podManagementPolicy",
        "serviceName",
        "updateStrategy",
        "volumeClaimTemplates",
    ),
    "StatefulSet": ("paused", "progressDeadlineSeconds", "strategy"),
}
"""Fields that only the other kind of workload has."""

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def patched(
    workload: Document, backstage: api.Backstage, *, allow_privileged: bool
) -> tuple[Document, tuple[errors.ConfigError, ...]]:
    """Return a workload with the patch of a resource merged into it, and faults.

    With a fault the document is the workload as it was.

    Args:
        workload: What the patch is merged into, of the kind that is asked for.
        backstage: The resource.
        allow_privileged: Whether the patch may ask for what
            :func:`.privileges.privileges_of` lists.
    """
    patch = backstage.spec.deployment.patch
    if not patch:
        return workload, ()
    try:
        merged = config.merge(
            workload, patch, mode=_mode(backstage), settle_unions=True
        )
    except errors.PatchError as error:
        return workload, (errors.PatchError(_at(error.path), error.detail),)
    # Not even a patch that replaces everything decides what the object is.
    merged |= {field: workload[field] for field in ("apiVersion", "kind")}
    if (problem := config.shapes.problem(merged)) is not None:
        where = _named(merged, problem.path)
        return workload, (errors.PatchError(_at(where), problem.detail),)
    faults = [
        *_identity_faults(workload, patch, backstage.metadata.namespace),
        *_selector_faults(workload, merged, naming.app_label(backstage.metadata.name)),
        *_container_faults(workload, merged),
    ]
    if not allow_privileged:
        faults += _privilege_faults(workload, merged)
    return (workload, tuple(faults)) if faults else (merged, ())


def _mode(backstage: api.Backstage) -> config.ListMode:
    asked = backstage.metadata.annotations.get(naming.PATCH_LIST_MODE, "")
    return (
        config.ListMode.PREPEND
        if asked == config.ListMode.PREPEND
        else config.ListMode.APPEND
    )


def _identity_faults(
    workload: Document, patch: Document, namespace: str
) -> Iterator[errors.PatchError]:
    kind = workload["kind"]
    for field in ("apiVersion", "kind"):
        found = patch.get(field)
        if found not in (None, workload[field]):
            yield errors.PatchError(
                _at(field),
                f"found {found}, the workload has {workload[field]}; "
                "remove it, and choose the kind by spec.deployment.kind",
            )
    found = (patch.get("metadata") or {}).get("namespace")
    if found not in (None, namespace):
        yield errors.PatchError(
            _at("metadata.namespace"),
            f'found "{found}", the resource is in "{namespace}"; remove it',
        )
    for field in _OTHER_KINDS[kind]:
        if (patch.get("spec") or {}).get(field) is not None:
            yield errors.PatchError(
                _at(f"spec.{field}"),
                f"a {kind} has no such field; remove it, or change "
                "spec.deployment.kind",
            )


def _selector_faults(
    workload: Document, merged: Document, own: Document
) -> Iterator[errors.ImmutableFieldError]:
    """Yield what would part the workload from its pods."""
    fixed = workload["spec"].get("selector") or {}
    if (merged.get("spec", {}).get("selector") or {}) != fixed:
        yield errors.ImmutableFieldError(
            f"{_at('spec.selector')}: the selector cannot be changed; remove it"
        )
        return
    before, after = _labels(workload), _labels(merged)
    for name in {**(fixed.get("matchLabels") or {}), **own}:
        # The operator adds its own label where nobody else did.
        default = own.get(name)
        if after.get(name, default) != before.get(name, default):
            where = _at(f"{_TEMPLATE}.metadata.labels[{name}]")
            yield errors.ImmutableFieldError(
                f"{where}: the selector finds the pods by this label; remove it"
            )


def _labels(workload: Document) -> Document:
    metadata = _template(workload).get("metadata") or {}
    return metadata.get("labels") or {}


def _container_faults(
    workload: Document, merged: Document
) -> Iterator[errors.PatchError]:
    pod = _template(merged).get("spec") or {}
    path = f"{_TEMPLATE}.spec"
    names = [container["name"] for container in pod.get("containers") or ()]
    if naming.BACKEND_CONTAINER not in names:
        found = ", ".join(names) or "none"
        yield errors.PatchError(
            _at(f"{path}.containers"),
            f'leaves no container "{naming.BACKEND_CONTAINER}"; found {found}; '
            "keep it, and its name",
        )
    before = _template(workload).get("spec") or {}
    for field in ("initContainers", "containers"):
        for container in pod.get(field) or ():
            known = pod_template.container_named(before, container["name"])
            if not container.get("image") and (known is None or known.get("image")):
                yield errors.PatchError(
                    _at(f"{path}.{field}[name={container['name']}].image"),
                    "missing; name the image",
                )


def _privilege_faults(
    workload: Document, merged: Document
) -> Iterator[errors.PatchError]:
    before = privileges.privileges_of(_template(workload))
    for path, value in privileges.privileges_of(_template(merged)).items():
        if before.get(path) != value:
            yield errors.ForbiddenPatchError(
                _at(f"{_TEMPLATE}.{path}"),
                f"found {value}; remove it, or ask the administrator to set "
                "ALLOW_PRIVILEGED_PATCHES on the operator",
            )


def _template(workload: Document) -> Document:
    return (workload.get("spec") or {}).get("template") or {}


def _at(path: str) -> str:
    return f"{PATH}.{path}" if path else PATH


def _named(document: Document, path: str) -> str:
    """Return a path with the names of list items where it has their numbers.

    The number is that in the merged list, which the user never saw.
    """
    value: Any = document
    steps = ""
    for field, number in _STEP.findall(path):
        if field and isinstance(value, dict):
            value = value.get(field)
            steps += f".{field}"
        elif number and isinstance(value, list):
            value = value[int(number)]
            name = value.get("name") if isinstance(value, dict) else None
            steps += f"[name={name}]" if isinstance(name, str) else f"[{number}]"
        else:
            steps += f"[{field or number}]"
            value = None
    return steps.removeprefix(".")
