"""What a pod may ask for that a namespace's policy usually refuses.

The list is the baseline of the Pod Security Standards, and the ServiceAccount.
Names of Kubernetes, as they stand in a pod spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from backstage_op.document import Document

_FLAGS: Final = ("hostIPC", "hostNetwork", "hostPID")
_ACCOUNTS: Final = ("serviceAccount", "serviceAccountName")
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_PROFILES: Final = ("appArmorProfile", "seccompProfile")
_CAPABILITIES: Final = frozenset({"NET_BIND_SERVICE"})
_SELINUX_TYPES: Final = frozenset(
    {"", "container_engine_t", "container_init_t", "container_kvm_t", "container_t"}
)
_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
_APPARMOR_ANNOTATION: Final = "container.apparmor.security.beta.kubernetes.io/"


def privileges_of(template: Document) -> Mapping[str, str]:
    """Return what a pod template asks for: the path of the field to its value.

    The template has the shape that :mod:`backstage_op.config` checks.
    """
    return dict(_of_template(template))


def _of_template(template: Document) -> Iterator[tuple[str, str]]:
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    for name, value in annotations.items():
        if name.startswith(_APPARMOR_ANNOTATION) and value == "unconfined":
            yield f"metadata.annotations[{name}]", value
    yield from _of_pod(template.get("spec") or {})


def _of_pod(pod: Document) -> Iterator[tuple[str, str]]:
    for field in (*_FLAGS, *_ACCOUNTS):
        if value := pod.get(field):
            yield f"spec.{field}", _shown(value)
    for volume in pod.get("volumes") or ():
        if volume.get("hostPath") is not None:
            path = f"spec.volumes[name={volume['name']}].hostPath"
            yield path, str(volume["hostPath"].get("path"))
    yield from _of_pod_context(pod.get("securityContext") or {})
    for field in _CONTAINERS:
        for container in pod.get(field) or ():
            path = f"spec.{field}[name={container['name']}]"
            yield from _of_container(container, path)


def _of_pod_context(context: Document) -> Iterator[tuple[str, str]]:
    path = "spec.securityContext"
    yield from _of_context(context, path)
    for sysctl in context.get("sysctls") or ():
        if sysctl["name"] not in _SYSCTLS:
            yield f"{path}.sysctls[name={sysctl['name']}]", str(sysctl.get("value"))


def _of_container(container: Document, path: str) -> Iterator[tuple[str, str]]:
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            number = port.get("containerPort")
            yield (
                f"{path}.ports[containerPort={number}].hostPort",
                str(port["hostPort"]),
            )
    context = container.get("securityContext") or {}
    path = f"{path}.securityContext"
    yield from _of_context(context, path)
    if context.get("privileged"):
        yield f"{path}.privileged", "true"
    if (context.get("procMount") or "Default") != "Default":
        yield f"{path}.procMount", str(context["procMount"])
    for name in (context.get("capabilities") or {}).get("add") or ():
        if name not in _CAPABILITIES:
            yield f"{path}.capabilities.add[{name}]", str(name)


def _of_context(context: Document, path: str) -> Iterator[tuple[str, str]]:
    """Yield what the security context of a pod and that of a container share."""
    for field in _PROFILES:
        if _member(context, field, "type") == "Unconfined":
            yield f"{path}.{field}.type", "Unconfined"
    if _member(context, "windowsOptions", "hostProcess"):
        yield f"{path}.windowsOptions.hostProcess", "true"
    for field in ("user", "role"):
        if value := _member(context, "seLinuxOptions", field):
            yield f"{path}.seLinuxOptions.{field}", str(value)
    kind = _member(context, "seLinuxOptions", "type") or ""
    if kind not in _SELINUX_TYPES:
        yield f"{path}.seLinuxOptions.type", str(kind)


def _shown(value: Any) -> str:
    return "true" if value is True else str(value)


def _member(context: Document, field: str, member: str) -> Any:
    return (context.get(field) or {}).get(member)
