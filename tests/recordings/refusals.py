"""Inputs that cannot work, and every word that ours refuses them with."""

from __future__ import annotations

from typing import Final

import msgspec

from backstage_op import errors


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The class, the reason and all messages of the faults."""

    kind: type[errors.ConfigError]
    reason: str
    messages: tuple[str, ...]


_NO_INIT_CONTAINER: Final = (
    'default configuration (recording "full"), key {}: container '
    '"install-dynamic-plugins" not found in the pod; use one of: backstage-backend'
)

REFUSALS: Final = {
    "app-config-two-entries": Refusal(
        kind=errors.InvalidReferenceError,
        reason="InvalidReference",
        messages=(
            (
                'spec.application.appConfig.configMaps[0]: ConfigMap "one" has 2 '
                "entries (a.yaml, b.yaml); name one of them in key, or leave one in it"
            ),
        ),
    ),
    # The Go operator ignores a patch that cannot be merged, and reports success.
    "bad-patch": Refusal(
        kind=errors.PatchError,
        reason="InvalidPatch",
        messages=(
            (
                "spec.deployment.patch.spec.template.spec.containers[0]: "
                'the key "name" is missing; add it'
            ),
        ),
    ),
    "bad-raw-yaml": Refusal(
        kind=errors.ManifestError,
        reason="InvalidRawConfig",
        messages=(
            (
                'ConfigMap "raw", key deployment.yaml: line 2, column 13: '
                "mapping values are not allowed here"
            ),
        ),
    ),
    "flavour-unknown": Refusal(
        kind=errors.SpecError,
        reason="InvalidSpec",
        messages=(
            'spec.flavours[0].name: unknown flavour "nope"; use one of alpha, beta',
        ),
    ),
    "missing-configmap": Refusal(
        kind=errors.MissingReferenceError,
        reason="ReferencedObjectNotFound",
        messages=(
            (
                'spec.application.appConfig.configMaps[0]: ConfigMap "absent" in '
                'namespace "rec-missing-configmap" not found; create it or remove '
                "the reference"
            ),
        ),
    ),
    "missing-key": Refusal(
        kind=errors.MissingReferenceError,
        reason="ReferencedKeyNotFound",
        messages=(
            (
                'spec.application.appConfig.configMaps[0]: ConfigMap "there" in '
                'namespace "rec-missing-key" has no key "zzz.yaml"; add the key or '
                "correct the field"
            ),
        ),
    ),
    "raw-config-without-init-container": Refusal(
        kind=errors.ManifestError,
        reason="InvalidRawConfig",
        messages=tuple(
            _NO_INIT_CONTAINER.format(key)
            for key in (
                "configmap-envs.yaml",
                "configmap-files.yaml",
                "dynamic-plugins.yaml",
                "secret-envs.yaml",
                "secret-files.yaml",
            )
        ),
    ),
    "raw-wrong-kind": Refusal(
        kind=errors.ManifestError,
        reason="InvalidRawConfig",
        messages=(
            (
                'ConfigMap "raw", key service.yaml: expected Service, found '
                "Deployment; correct the manifest or its key"
            ),
        ),
    ),
}
