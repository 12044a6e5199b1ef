"""Flags of ``backstage-op run``, as the Go operator's manifests pass them."""

import logging
from collections.abc import Iterator

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
        "--zap-log-level=debug",
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


def test_metrics_are_never_served_unprotected_unasked() -> None:
    error = _run("--metrics-bind-address=:8080")

    assert isinstance(error, errors.SettingsError)
    assert "--metrics-secure=false" in str(error)


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
