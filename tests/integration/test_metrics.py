"""Who reads the metrics of an operator that has the rights in ``deploy/``."""

from __future__ import annotations

import datetime
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from backstage_op.operator import self_signed
from backstage_op.sandbox import Sandbox

from .conftest import StartOperator
from .process import OperatorProcess, wait_until
from .scene import operator_events

pytestmark = pytest.mark.controlplane

_UNDECIDED = 503
_HOUR = datetime.timedelta(hours=1)


def _get(operator: OperatorProcess, token: str, tls: ssl.SSLContext) -> tuple[int, str]:
    """Return what is answered, once the API server has said who asks."""
    answers: list[tuple[int, str]] = []

    def is_decided() -> bool:
        answers.append(_asked(operator, token, tls))
        return answers[-1][0] != _UNDECIDED

    wait_until(is_decided, lambda: f"nobody can tell who asks: {operator.log}")
    return answers[-1]


def _asked(
    operator: OperatorProcess, token: str, tls: ssl.SSLContext
) -> tuple[int, str]:
    url = f"https://localhost:{operator.metrics_port}/metrics"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60, context=tls) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _reader(sandbox: Sandbox, namespace: str) -> str:
    """Return the token of an account with the right that ``deploy/`` offers."""
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
    role = {"kind": "ClusterRole", "name": "backstage-op-metrics-reader"}
    sandbox.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "reader", "namespace": namespace},
            },
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"reader-{namespace}"},
                "roleRef": {"apiGroup": group, **role},
                "subjects": [subject],
            },
        ]
    )
    return sandbox.admin.token(namespace, "reader", _HOUR)


def test_no_token_401_no_right_403_reader_200(
    sandbox: Sandbox, namespace: str, start_operator: StartOperator, tmp_path: Path
) -> None:
    pem = self_signed.make(["localhost"])
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_text(pem)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
    since = sandbox.audit_offset()
    operator = start_operator("--metrics-secure", f"--metrics-cert-path={tmp_path}")

    nobody, _ = _get(operator, "", trusting)
    invalid, _ = _get(operator, "not-a-token", trusting)
    default = sandbox.admin.token(namespace, "default", _HOUR)
    unprivileged, _ = _get(operator, default, trusting)
    reader = _reader(sandbox, namespace)
    # The API server itself learns of a new right by a watch.
    wait_until(
        lambda: _get(operator, reader, trusting)[0] == 200, "a reader may not read"
    )
    _, text = _get(operator, reader, trusting)

    assert (nobody, invalid, unprivileged) == (401, 401, 403)
    assert "backstage_op_is_leader 1.0" in text.splitlines()
    reviews = {
        event.resource
        for event in operator_events(sandbox, since)
        if event.verb == "create" and event.resource.endswith("reviews")
    }
    assert reviews == {"tokenreviews", "subjectaccessreviews"}
    assert default not in operator.log


def test_without_a_certificate_it_signs_one_itself(
    start_operator: StartOperator,
) -> None:
    operator = start_operator("--metrics-secure=true")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    assert _get(operator, "", context) == (401, "unauthorized\n")
