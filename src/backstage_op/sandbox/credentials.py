"""Who may speak to a sandbox, and with what: tokens, keys, kubeconfigs.

Every file is readable by its owner alone.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Final

ADMIN: Final = "admin"
NODES: Final = "kwok"
CONTROLLERS: Final = "system:kube-controller-manager"
SCHEDULER: Final = "system:kube-scheduler"

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# SEC 1 ECPrivateKey on the curve P-256, without the optional public key: Go
# computes that. What is left out here is the key's 32 bytes.
_EC_HEAD: Final = bytes.fromhex("30310201010420")
_EC_TAIL: Final = bytes.fromhex("a00a06082a8648ce3d030107")


def write_private(path: Path, content: str) -> Path:
    """Write a file that only its owner may read; return its path."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    return path


def write_tokens(path: Path) -> dict[str, str]:
    """Write the static tokens of a sandbox; return them by user."""
    groups = {ADMIN: "system:masters", NODES: "system:masters"}
    tokens = {
        user: secrets.token_urlsafe(32)
        for user in (ADMIN, NODES, CONTROLLERS, SCHEDULER)
    }
    lines = [
        f'{token},{user},{user},"{groups.get(user, "system:authenticated")}"'
        for user, token in tokens.items()
    ]
    write_private(path, "\n".join(lines) + "\n")
    return tokens


def write_signing_key(path: Path) -> None:
    """Write a new private key for the tokens of ServiceAccounts."""
    scalar = secrets.randbelow(_P256_ORDER - 1) + 1
    der = _EC_HEAD + scalar.to_bytes(32, "big") + _EC_TAIL
    body = base64.b64encode(der).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    text = ["-----BEGIN EC PRIVATE KEY-----", *lines, "-----END EC PRIVATE KEY-----"]
    write_private(path, "\n".join(text) + "\n")


def write_kubeconfig(
    path: Path, *, url: str, certificate: Path, user: str, token: str
) -> Path:
    """Write a kubeconfig; return its path. The certificate must exist already."""
    authority = base64.b64encode(certificate.read_bytes()).decode()
    cluster = {"server": url, "certificate-authority-data": authority}
    # JSON is YAML; every kubeconfig reader takes it.
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [
            {"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}
        ],
    }
    return write_private(path, json.dumps(config, indent=2) + "\n")
