from __future__ import annotations

from pathlib import Path

import pytest

from backstage_op import errors, kube

WHOLE = """
current-context: main
contexts:
- {name: main, context: {cluster: here, user: me, namespace: team}}
- {name: other, context: {cluster: there, user: me}}
- {name: broken, context: {cluster: nowhere, user: me}}
clusters:
- {name: here, cluster: {server: "https://here:6443"}}
- {name: there, cluster: {server: "https://there:6443"}}
users:
- {name: me, user: {token: hunter2}}
"""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_text(WHOLE)
    return file


def test_the_current_context_is_used(kubeconfig: Path) -> None:
    connection = kube.load(kubeconfig)

    assert (connection.server, connection.namespace) == ("https://here:6443", "team")
    assert repr(connection) == "Connection(https://here:6443, namespace team)"


def test_another_context_can_be_named(kubeconfig: Path) -> None:
    connection = kube.load(kubeconfig, "other")

    assert (connection.server, connection.namespace) == (
        "https://there:6443",
        "default",
    )


def test_a_plain_connection_has_no_credentials() -> None:
    connection = kube.Connection.plain("http://localhost:8001", "team")

    assert (connection.server, connection.namespace, connection.auth()) == (
        "http://localhost:8001",
        "team",
        None,
    )


@pytest.mark.parametrize("context", ["absent", "broken"])
def test_a_context_that_cannot_be_used_is_an_error_of_settings(
    kubeconfig: Path, context: str
) -> None:
    with pytest.raises(errors.SettingsError, match=r"^kubeconfig /.*; ") as caught:
        kube.load(kubeconfig, context)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty or not a mapping"),
        ("- a", "empty or not a mapping"),
        ("a: [", "not YAML, line 1"),
        ("a: b\nc: [", "not YAML, line 2"),
        ("current-context: main", "no entry 'clusters'; complete the file"),
        ("{clusters: 5, contexts: 5, users: 5}", "is it a kubeconfig"),
        ("\x00", "not YAML"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_an_error_of_one_line(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "config"
    file.write_text(content)

    with pytest.raises(errors.SettingsError, match=message) as caught:
        kube.load(file)

    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match="absent: not found; pass one"):
        kube.load(tmp_path / "absent")


def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match=r"Is a directory.*; pass a file"):
        kube.load(tmp_path)


def test_without_a_kubeconfig_outside_a_pod_the_remedy_is_told() -> None:
    with pytest.raises(errors.SettingsError, match="pass --kubeconfig or set"):
        kube.load(None)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("{auth-provider: {name: gcp}}", "auth-provider is not supported"),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v9, command: aws}}",
            "exec plugin aws of version .*v9 is not supported",
        ),
    ],
)
def test_credentials_of_an_unsupported_kind_are_refused(
    kubeconfig: Path, user: str, message: str
) -> None:
    kubeconfig.write_text(WHOLE.replace("{token: hunter2}", user))

    with pytest.raises(errors.SettingsError, match=message):
        kube.load(kubeconfig)


def test_a_certificate_that_cannot_be_read_is_an_error_of_settings(
    kubeconfig: Path,
) -> None:
    kubeconfig.write_text(
        WHOLE.replace(
            'server: "https://here:6443"',
            'server: "https://here:6443", certificate-authority: absent.crt',
        )
    )

    with pytest.raises(errors.SettingsError, match="correct the kubeconfig"):
        kube.load(kubeconfig).trust()
