"""Flags of ``backstage-op run``, as the Go operator's manifests pass them."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from backstage_op import cli, errors


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (None, "backstage_op")]
    before = [(list(logger.handlers), logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        logger.handlers = handlers
        logger.setLevel(level)


def _run(*flags: str) -> BaseException | None:
    # An address that is none ends the command before it starts anything.
    arguments = ["run", "--health-probe-bind-address=stop-here", *flags]
    return CliRunner().invoke(cli.root, arguments).exception


@pytest.mark.parametrize(
    "flag",
    [
        "--metrics-bind-address=0",
        "-metrics-bind-address=0",
        "--metrics-secure",
        "--metrics-secure=false",
        "--leader-elect",
        "--leader-elect=true",
        "-leader-elect=false",
        "--enable-http2=false",
        "--enable-cache-label-filter",
        "--metrics-cert-path=/certs",
        "--webhook-cert-name=tls.crt",
        "--zap-devel=false",
        "--zap-encoder=json",
        "--zap-devel",
        "--zap-log-level=debug",
        "-zap-log-level=panic",
        "--zap-log-level=5",
        "--zap-stacktrace-level=panic",
        "--zap-time-encoding=rfc3339",
    ],
)
def test_a_flag_of_the_go_operator_is_accepted(flag: str) -> None:
    error = _run(flag)

    assert isinstance(error, errors.SettingsError)
    assert "stop-here" in str(error)


@pytest.mark.parametrize(
    "flag", ["--nonsense", "--workers=0", "--zap-log-level=loud", "--profile=none"]
)
def test_an_unknown_flag_or_value_is_a_usage_error(flag: str) -> None:
    error = _run(flag)

    assert isinstance(error, SystemExit)
    assert error.code == 2


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ([], logging.INFO),
        (["--zap-devel"], logging.DEBUG),
        (["--zap-devel", "--zap-log-level=error"], logging.ERROR),
        (["--zap-log-level=3"], logging.DEBUG),
    ],
)
def test_the_level_of_logs_is_as_zap_takes_it(flags: list[str], level: int) -> None:
    _run(*flags)

    assert logging.getLogger("backstage_op").level == level


def test_outside_of_a_pod_the_namespace_of_the_lease_must_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        "current-context: a\n"
        "contexts: [{name: a, context: {cluster: a}}]\n"
        'clusters: [{name: a, cluster: {server: "https://a"}}]\n'
    )
    arguments = ["run", "--leader-elect", f"--kubeconfig={kubeconfig}"]

    error = CliRunner().invoke(cli.root, arguments).exception

    assert isinstance(error, errors.SettingsError)
    assert "--leader-election-namespace" in str(error)


def test_a_flag_settles_which_of_several_kubeconfigs_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/a:/b")

    error = CliRunner().invoke(cli.root, ["run", "--kubeconfig=/c"]).exception

    assert str(error) == "kubeconfig /c: not found; pass one existing file"


def test_a_file_that_does_not_exist_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["backstage-op", "run", "--kubeconfig=/does/not/exist"]
    )

    with pytest.raises(SystemExit) as caught:
        cli.main()

    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert "/does/not/exist" in line
