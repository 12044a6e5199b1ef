"""What is taken from the environment."""

from pathlib import Path

import pytest

from backstage_op import errors
from backstage_op.settings import (
    SandboxSettings,
    Settings,
    kubeconfig_from_env,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_an_empty_environment_leaves_everything_to_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_the_variables_of_the_go_operator_are_read() -> None:
    environ = {
        "LOCALBIN": "/config",
        "RELATED_IMAGE_backstage": "example.com/backstage:1",
        "RELATED_IMAGE_postgresql": "example.com/postgresql:1",
        "WATCH_NAMESPACE": "a,b",
        "RELATED_IMAGE_catalog_index": "example.com/index:1",
        "HTTP_PROXY": "http://proxy:3128",
        "https_proxy": "http://proxy:3129",
        "NO_PROXY": ".svc",
        "POD_NAMESPACE": "ops",
        "OPERATOR_DP_PROCESSING": "true",
        "INSTALL_DP_IMAGE": "example.com/installer:1",
    }

    assert Settings.from_env(environ) == Settings(
        local_bin=Path("/config"),
        backstage_image="example.com/backstage:1",
        postgresql_image="example.com/postgresql:1",
        watched="a,b",
        catalog_index_image="example.com/index:1",
        http_proxy="http://proxy:3128",
        https_proxy="http://proxy:3129",
        no_proxy=".svc",
        pod_namespace="ops",
        plugin_installer="example.com/installer:1",
    )


@pytest.mark.parametrize("wanted", ["", "false", "False"])
def test_an_installer_of_plugins_is_used_only_if_the_operator_reads_lists(
    wanted: str,
) -> None:
    environ = {"OPERATOR_DP_PROCESSING": wanted, "INSTALL_DP_IMAGE": "installer:1"}

    assert Settings.from_env(environ).plugin_installer == ""


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"OPERATOR_DP_PROCESSING": "true"},
            (
                "OPERATOR_DP_PROCESSING is true and INSTALL_DP_IMAGE is empty; "
                "set it to the image of the plugin installer"
            ),
        ),
        (
            {"OPERATOR_DP_PROCESSING": "yes"},
            (
                'OPERATOR_DP_PROCESSING: expected true or false, found "yes"; '
                "set it to one of them, or remove it"
            ),
        ),
    ],
)
def test_an_installer_that_is_not_known_is_refused_at_the_start(
    environ: dict[str, str], message: str
) -> None:
    with pytest.raises(errors.SettingsError) as caught:
        Settings.from_env(environ)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("true", True), ("True", True), ("false", False), ("FALSE", False), ("", False)],
)
def test_privileged_patches_are_allowed_by_true_alone(
    value: str, *, allowed: bool
) -> None:
    settings = Settings.from_env({"ALLOW_PRIVILEGED_PATCHES": value})

    assert settings.allow_privileged_patches is allowed


def test_a_word_that_is_neither_true_nor_false_allows_nothing_in_silence() -> None:
    with pytest.raises(errors.SettingsError) as caught:
        Settings.from_env({"ALLOW_PRIVILEGED_PATCHES": "1"})

    assert caught.value.message == (
        'ALLOW_PRIVILEGED_PATCHES: expected true or false, found "1"; '
        "set it to one of them, or remove it"
    )


def test_the_kubeconfig_of_the_home_is_used_outside_of_a_pod(home: Path) -> None:
    path = home / ".kube" / "config"
    path.parent.mkdir()
    path.write_text("")

    assert kubeconfig_from_env({}) == path
    assert kubeconfig_from_env({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}) is None


@pytest.mark.usefixtures("home")
def test_without_any_kubeconfig_none_is_named() -> None:
    assert kubeconfig_from_env({}) is None


def test_several_kubeconfigs_are_refused_with_a_remedy() -> None:
    with pytest.raises(errors.SettingsError) as caught:
        kubeconfig_from_env({"KUBECONFIG": "/a:/b"})

    assert str(caught.value) == (
        "KUBECONFIG names 2 files; name one, or pass --kubeconfig"
    )


def test_empty_parts_of_kubeconfig_do_not_count() -> None:
    assert kubeconfig_from_env({"KUBECONFIG": ":/a:"}) == Path("/a")


def test_the_sandbox_keeps_its_binaries_in_the_cache_of_the_user(home: Path) -> None:
    assert SandboxSettings.from_env({}) == SandboxSettings(
        assets=None, cache=home / ".cache" / "backstage-op"
    )
    assert SandboxSettings.from_env(
        {"KUBEBUILDER_ASSETS": "/assets", "XDG_CACHE_HOME": "/cache"}
    ) == SandboxSettings(assets=Path("/assets"), cache=Path("/cache/backstage-op"))
