"""Random objects of the kinds that we write; the same for the same seed."""

from __future__ import annotations

import random
from typing import Any

from backstage_op.document import Document


def random_objects(rng: random.Random, namespace: str) -> list[Document]:
    """Return one object of each kind that we write, called ``app``."""
    where = {"namespace": namespace, "name": "app"}
    labels = {"labels": {"app": "x", **_some(rng, {"tier": "web"})}}
    pods = {
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": labels, "spec": _pod(rng)},
    }
    update = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%"}}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        # No volume is ever found: nothing writes to the claim later.
        "storageClassName": "absent",
        "resources": {"requests": {"storage": rng.choice(["1Gi", "512Mi", "2G"])}},
    }
    return [
        _object("apps/v1", "Deployment", where | labels)
        | {
            "spec": {"replicas": 0, **pods}
            | _some(rng, {"strategy": rng.choice([{"type": "Recreate"}, update])})
            | _some(rng, {"revisionHistoryLimit": 3, "paused": rng.random() < 0.5})
        },
        _object("apps/v1", "StatefulSet", where | labels)
        | {
            "spec": {"replicas": 0, "serviceName": "", **pods}
            | {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}]}
        },
        _object("v1", "Service", where | labels) | {"spec": _service(rng)},
        _object("v1", "PersistentVolumeClaim", where) | {"spec": claim},
        _object("v1", "ConfigMap", where | _some(rng, {"annotations": {"a": "1Gi"}}))
        | {"data": {"a.yaml": "a: 1\n", "empty": ""}},
        _object("v1", "Secret", where) | {"data": {"k": "YQ=="}, "type": "Opaque"},
        _object("batch/v1", "Job", where)
        | {
            "spec": {
                "suspend": True,
                "template": {"spec": _job_pod(rng), "metadata": labels},
            }
            | _some(rng, {"backoffLimit": 3, "completions": 1})
        },
        _object("networking.k8s.io/v1", "Ingress", where | labels)
        | {"spec": _ingress(rng)},
        _object("networking.k8s.io/v1", "NetworkPolicy", where | labels)
        | {"spec": _policy(rng)},
    ]


def random_extensions(rng: random.Random, namespace: str) -> list[Document]:
    """Return one object of each kind of other projects that we write."""
    where = {"namespace": namespace, "name": "app", "labels": {"app": "x"}}
    parent = {"name": "gateway"} | _some(
        rng, {"namespace": "gateways", "kind": "Gateway", "sectionName": "https"}
    )
    backend = {"name": "app", "port": 80} | _some(rng, {"weight": 1, "kind": "Service"})
    match = {"path": {"value": "/app"} | _some(rng, {"type": "PathPrefix"})}
    rule = {"backendRefs": [backend]} | _some(rng, {"matches": [match]})
    endpoint = {"port": "metrics"} | _some(
        rng, {"path": "/metrics", "interval": "30s", "scheme": ""}
    )
    return [
        _object("gateway.networking.k8s.io/v1", "HTTPRoute", where)
        | {
            "spec": {"parentRefs": [parent]}
            | _some(rng, {"rules": [rule], "hostnames": ["b.example", "a.example"]})
        },
        _object("monitoring.coreos.com/v1", "ServiceMonitor", where)
        | {
            "spec": {
                "endpoints": [endpoint],
                "selector": {"matchLabels": {"app": "x"}},
            }
            | _some(rng, {"namespaceSelector": {"matchNames": [namespace]}})
        },
    ]


def _job_pod(rng: random.Random) -> Document:
    pod = _pod(rng)
    return {**pod, "restartPolicy": "Never"}


def _ingress(rng: random.Random) -> Document:
    backend = {"service": {"name": "app", "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rule = {"http": {"paths": [path]}} | _some(rng, {"host": "a.example"})
    return {"rules": [rule]} | _some(
        rng,
        {
            "ingressClassName": "nginx",
            "tls": [{"hosts": ["b.example", "a.example"], "secretName": "tls"}],
            "defaultBackend": backend,
        },
    )


def _policy(rng: random.Random) -> Document:
    port = {"port": rng.choice([80, "http"])} | _some(rng, {"protocol": "TCP"})
    peer = rng.choice(
        [
            {"podSelector": {"matchLabels": {"app": "x"}}},
            {"podSelector": {}},
            {"namespaceSelector": {}},
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
        ]
    )
    return {"podSelector": {"matchLabels": {"app": "x"}}} | _some(
        rng,
        {
            "ingress": [_some(rng, {"from": [peer]}) | {"ports": [port]}],
            "egress": [{}],
            "policyTypes": ["Ingress"],
        },
    )


def _object(api_version: str, kind: str, metadata: dict[str, Any]) -> Document:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _some(rng: random.Random, fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if rng.random() < 0.5}


def _service(rng: random.Random) -> Document:
    ports = [
        {"name": f"p{n}", "port": 80 + n}
        | _some(rng, {"targetPort": rng.choice([8080, "http"]), "protocol": "UDP"})
        for n in range(rng.randint(1, 3))
    ]
    return {"selector": {"app": "x"}, "ports": ports} | _some(
        rng, {"type": "ClusterIP", "sessionAffinity": "None"}
    )


def _pod(rng: random.Random) -> Document:
    containers = [_container(rng, f"c{n}") for n in range(rng.randint(1, 3))]
    volumes: list[Document] = [
        {"name": "config", "configMap": {"name": "a", "defaultMode": 420}},
        {"name": "secret", "secret": {"secretName": "a", "optional": True}},
        {"name": "scratch", "emptyDir": _some(rng, {"sizeLimit": "1Gi"})},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "a"}},
        {"name": "token", "projected": {"sources": _sources(rng)}},
    ]
    term = {"key": "a", "operator": "In", "values": ["x", "y"]}
    affinity = {"nodeSelectorTerms": [{"matchExpressions": [term]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": affinity}
    return {"containers": containers, "volumes": volumes} | _some(
        rng,
        {
            "initContainers": [_init_container(rng)],
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "a", "operator": "Exists"}],
            "affinity": {"nodeAffinity": required},
            "securityContext": {"runAsNonRoot": True, "fsGroup": 1000},
            "imagePullSecrets": [{"name": "pull"}],
            "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["b", "a"]}],
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 30,
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "zone",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": {"matchLabels": {"app": "x"}},
                }
            ],
        },
    )


def _sources(rng: random.Random) -> list[Document]:
    field = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    token = {"path": "token"} | _some(rng, {"expirationSeconds": 3600})
    return [
        {"serviceAccountToken": token},
        {"configMap": {"name": "a", "items": [{"key": "k", "path": "p"}]}},
        {"downwardAPI": {"items": [field]}},
    ]


def _container(rng: random.Random, name: str) -> Document:
    environment: list[Document] = [
        {"name": "A", "value": ""},
        {"name": "B", "value": "b"},
        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "D", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ]
    probe = {"httpGet": {"path": "/healthz", "port": rng.choice([80, "http"])}}
    mounts = [
        {"name": "config", "mountPath": "/c", "subPath": "c"},
        {"name": "scratch", "mountPath": "/s"},
    ]
    limits = {"cpu": rng.choice(["0.5", "500m", 1]), "memory": "1Gi"}
    return {"name": name, "image": "a:1"} | _some(
        rng,
        {
            "args": ["--config", "a.yaml"],
            "command": [],
            "env": environment[: rng.randint(1, 5)],
            "envFrom": [{"secretRef": {"name": "s"}}],
            "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}],
            "resources": {"limits": limits, "requests": {"cpu": "250m"}},
            "readinessProbe": probe | _some(rng, {"periodSeconds": 5}),
            "startupProbe": {"exec": {"command": ["true"]}, "timeoutSeconds": 2},
            "volumeMounts": mounts,
            "securityContext": {"capabilities": {"drop": ["ALL"]}, "privileged": False},
            "tty": False,
            "imagePullPolicy": "Always",
        },
    )


def _init_container(rng: random.Random) -> Document:
    forbidden = ("readinessProbe", "startupProbe")
    container = _container(rng, "init")
    return {key: value for key, value in container.items() if key not in forbidden}
