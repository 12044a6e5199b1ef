"""Every error this package raises on purpose.

The type says who can act:

    OperatorError
    ├── ConfigError                 the user changes something; never retried
    │   ├── SpecError               a field of the custom resource
    │   │   ├── InvalidReferenceError   leads to what cannot be used for this
    │   │   ├── ForbiddenReferenceError leads to what must not reach a pod
    │   │   ├── ConflictingMountsError  two entries want the same place
    │   │   ├── ForbiddenMountError     would hide what a container lives from
    │   │   └── UnknownContainerError   a container that the pod does not have
    │   ├── ManifestError           a manifest in a configuration layer
    │   │   ├── UnknownKeyError     a key that no object is made from
    │   │   └── CrossNamespaceError an object of another namespace
    │   ├── PluginsError            a list of dynamic plugins
    │   ├── ImmutableFieldError     what identifies pods, or never changes later
    │   ├── PatchError              a patch that does not fit its object
    │   │   └── ForbiddenPatchError what an administrator has to allow first
    │   ├── MissingReferenceError   a ConfigMap, Secret, claim or key is absent
    │   └── SettingsError           a flag, a variable, a kubeconfig
    ├── KubeError                   the API server did not do it
    │   ├── TransientError          connection, timeout, 429, 5xx; retried
    │   │   ├── ConflictError       409; read again, then retry
    │   │   ├── ExpiredError        410; list again
    │   │   └── NotLeaderError      not sent: another process may write by now
    │   ├── NotFoundError           404
    │   ├── ForbiddenError          401, 403; an administrator grants a right
    │   └── RejectedError           400, 413, 422 and the permanent 500 of an
    │                               applied field the schema does not know
    ├── PlanError                   a graph that is not one: our bug
    └── SandboxError                the local control plane cannot be had

Messages are lower case, have no final dot, and put the remedy last.
They never contain the value of a Secret.
"""

from __future__ import annotations

from typing import Final

MAX_DETAIL_CHARACTERS: Final = 256


class OperatorError(Exception):
    """Base of all errors raised on purpose by this package."""


class ConfigError(OperatorError):
    """The user must change something; trying again changes nothing.

    Attributes:
        reason: CamelCase word for the condition, as the API conventions ask.
        message: What is wrong, where, what was found, and the remedy.
    """

    reason: str = "InvalidConfiguration"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SpecError(ConfigError):
    """A field of the custom resource has a value that cannot be used."""

    reason = "InvalidSpec"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class InvalidReferenceError(SpecError):
    """A reference leads to an object that cannot be used for this."""

    reason = "InvalidReference"


class ForbiddenReferenceError(SpecError):
    """A reference leads to an object that must not reach a pod, such as a token."""

    reason = "ForbiddenReference"


class ConflictingMountsError(SpecError):
    """Two entries want the same place in a container."""

    reason = "ConflictingMounts"


class ForbiddenMountError(SpecError):
    """A mount would hide what the container lives from."""

    reason = "ForbiddenMount"


class UnknownContainerError(SpecError):
    """An entry names a container that the pod does not have."""

    reason = "UnknownContainer"


class ManifestError(ConfigError):
    """A manifest of a configuration layer cannot be used.

    ``source`` names the layer and the object or file, ``key`` the manifest in it,
    ``detail`` what is wrong with it.
    """

    reason = "InvalidRawConfig"

    def __init__(self, source: str, key: str, message: str) -> None:
        super().__init__(f"{source}, key {key}: {message}")
        self.source = source
        self.key = key
        self.detail = message


class UnknownKeyError(ManifestError):
    """A configuration has a key that no object is made from, such as a typo."""

    reason = "UnknownKey"


class CrossNamespaceError(ManifestError):
    """A manifest is of another namespace than the resource."""

    reason = "CrossNamespace"


class PluginsError(ConfigError):
    """A list of dynamic plugins, or an entry of one, cannot be used.

    ``place`` names the list, and the entry with its package.
    """

    reason = "InvalidDynamicPlugins"

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place


class PatchError(ConfigError):
    """A patch does not fit the object that it changes.

    ``path`` is the field of the patch, ``detail`` what is wrong with it.
    """

    reason = "InvalidPatch"

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class ForbiddenPatchError(PatchError):
    """A patch asks for what an administrator of the cluster has to allow first."""

    reason = "ForbiddenPatch"


class ImmutableFieldError(ConfigError):
    """A value would change what identifies pods, or what never changes later."""

    reason = "ImmutableField"


class MissingReferenceError(ConfigError):
    """An object, or a key of it, that the resource refers to does not exist."""

    def __init__(
        self, path: str, kind: str, name: str, namespace: str, key: str | None = None
    ) -> None:
        where = f'{kind} "{name}" in namespace "{namespace}"'
        if key is None:
            message = f"{path}: {where} not found; create it or remove the reference"
        else:
            message = (
                f'{path}: {where} has no key "{key}"; add the key or correct the field'
            )
        super().__init__(message)
        self.reason = (
            "ReferencedObjectNotFound" if key is None else "ReferencedKeyNotFound"
        )
        self.kind = kind
        self.name = name
        self.namespace = namespace
        self.key = key


class SettingsError(ConfigError):
    """A flag, an environment variable or a kubeconfig cannot be used.

    The command line prints the message in one line and exits with code 2.
    """

    reason = "InvalidSettings"


class KubeError(OperatorError):
    """The API server did not do what was asked.

    Attributes:
        verb: What was asked: get, list, watch, create, apply, delete.
        target: ``Kind namespace/name`` or a path.
        status: HTTP status, 0 when there was no answer.
        reason: The ``reason`` of the server's Status, or a CamelCase word.
        detail: The server's message, capped at 256 characters.
    """

    def __init__(
        self,
        verb: str,
        target: str,
        *,
        status: int = 0,
        reason: str = "",
        detail: str = "",
    ) -> None:
        self.verb = verb
        self.target = target
        self.status = status
        self.reason = reason or type(self).__name__.removesuffix("Error")
        self.detail = detail[:MAX_DETAIL_CHARACTERS]
        super().__init__(f"{verb} {target}: {status or 'no answer'} {self.detail}")


class TransientError(KubeError):
    """It may work next time. ``retry_after_seconds`` is the server's wish, if any."""

    def __init__(
        self,
        verb: str,
        target: str,
        *,
        status: int = 0,
        reason: str = "",
        detail: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(verb, target, status=status, reason=reason, detail=detail)
        self.retry_after_seconds = retry_after_seconds


class ConflictError(TransientError):
    """Somebody else changed, made or replaced the object: read it again."""


class ExpiredError(TransientError):
    """The resource version is too old to continue from: list again."""


class NotLeaderError(TransientError):
    """The write was not sent: this process does not lead, or no longer does."""


class NotFoundError(KubeError):
    """The object, or the API that serves its kind, does not exist."""


class ForbiddenError(KubeError):
    """The operator's ServiceAccount lacks a right; an administrator grants it."""


class RejectedError(KubeError):
    """The server read the object and refuses it; sending it again changes nothing."""


class PlanError(OperatorError):
    """The graph has a duplicate key, an unknown need, or a cycle."""


class SandboxError(OperatorError):
    """The local control plane cannot be built, fetched or started."""
