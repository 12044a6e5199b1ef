"""The command lines of the five processes.

Everything listens on loopback alone. Limits of request rates are raised: the
defaults (20 requests/s) would be what a test of the operator measures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, final

import msgspec

LOOPBACK: Final = "127.0.0.1"
SERVICE_RANGE: Final = "10.96.0.0/16"

_DATA: Final = Path(__file__).parent / "data"
_CLIENT_LIMITS: Final = ("--kube-api-qps=300", "--kube-api-burst=600")


@final
class Ports(msgspec.Struct, frozen=True):
    """The ports of one sandbox."""

    etcd: int
    etcd_peer: int
    apiserver: int


@final
class Layout(msgspec.Struct, frozen=True):
    """Where a sandbox keeps what, below its directory."""

    directory: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """What was requested of the API server."""
        return self.directory / "audit.log"

    @property
    def tokens(self) -> Path:
        """The API server's static tokens."""
        return self.directory / "tokens.csv"

    @property
    def signing_key(self) -> Path:
        """The key that signs tokens of ServiceAccounts."""
        return self.directory / "signing.key"

    @property
    def certificates(self) -> Path:
        """Where the API server puts the certificate it makes for itself."""
        return self.directory / "certificates"

    @property
    def certificate(self) -> Path:
        """The API server's certificate and its authority's."""
        return self.certificates / "apiserver.crt"

    def log(self, name: str) -> Path:
        """The output of a process."""
        return self.directory / f"{name}.log"

    def component_kubeconfig(self, name: str) -> Path:
        """The kubeconfig of a process."""
        return self.directory / f"{name}.kubeconfig"


def etcd(binary: Path, layout: Layout, ports: Ports) -> list[str]:
    """Return the command line of etcd."""
    client = f"http://{LOOPBACK}:{ports.etcd}"
    peer = f"http://{LOOPBACK}:{ports.etcd_peer}"
    return [
        str(binary),
        "--name=sandbox",
        f"--data-dir={layout.directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=sandbox={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(binary: Path, layout: Layout, ports: Ports) -> list[str]:
    """Return the command line of the API server."""
    return [
        str(binary),
        f"--etcd-servers=http://{LOOPBACK}:{ports.etcd}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={ports.apiserver}",
        f"--cert-dir={layout.certificates}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={layout.tokens}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.signing_key}",
        f"--service-account-signing-key-file={layout.signing_key}",
        # OpenShift has it on; it finds a right to finalizers that is missing.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        f"--audit-policy-file={_DATA / 'audit-policy.yaml'}",
        f"--audit-log-path={layout.audit_log}",
        # Zero means 100 MB, and a log that is rotated loses its beginning.
        "--audit-log-maxsize=100000",
        "--endpoint-reconciler-type=none",
    ]


def controller_manager(binary: Path, layout: Layout) -> list[str]:
    """Return the command line of the controller manager."""
    kubeconfig = layout.component_kubeconfig("kube-controller-manager")
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        "--secure-port=0",
        "--leader-elect=false",
        # A machine that is too busy to renew leases has lost no node.
        "--node-monitor-grace-period=1h",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={layout.signing_key}",
        f"--root-ca-file={layout.certificate}",
        "--concurrent-deployment-syncs=10",
        "--concurrent-namespace-syncs=10",
        *_CLIENT_LIMITS,
    ]


def scheduler(binary: Path, layout: Layout) -> list[str]:
    """Return the command line of the scheduler."""
    return [
        str(binary),
        f"--kubeconfig={layout.component_kubeconfig('kube-scheduler')}",
        "--secure-port=0",
        "--leader-elect=false",
        *_CLIENT_LIMITS,
    ]


def kwok(binary: Path, layout: Layout) -> list[str]:
    """Return the command line of KWOK, which plays the nodes."""
    stages = sorted((_DATA / "stages").glob("*.yaml"))
    return [
        str(binary),
        f"--kubeconfig={layout.component_kubeconfig('kwok')}",
        *(f"--config={stage}" for stage in stages),
        "--manage-all-nodes=true",
        "--node-ip=10.0.0.1",
        "--node-lease-duration-seconds=40",
    ]
