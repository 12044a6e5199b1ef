"""``backstage-op run``: the operator process, with the Go operator's flags."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio
import click

from backstage_op import config, errors, kube, operator, resources
from backstage_op.operator import logs, probes
from backstage_op.settings import Settings

_log: Final = logging.getLogger(__name__)

_WITHOUT_EFFECT: Final = (
    "--enable-cache-label-filter",
    "--enable-http2",
    "--metrics-cert-key",
    "--metrics-cert-name",
    "--metrics-cert-path",
    "--webhook-cert-key",
    "--webhook-cert-name",
    "--webhook-cert-path",
)
"""Flags of the Go operator that are accepted, so that its manifests start."""


def _go_flags(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the single-dash flags that Go accepts made ours."""
    return [
        f"-{argument}"
        if argument.startswith("-") and not argument.startswith("--") and argument[2:3]
        else argument
        for argument in arguments
    ]


class _GoStyleCommand(click.Command):
    """A command that also takes ``-flag`` and ``--bool-flag=true``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _go_flags(args))


@click.command("run", cls=_GoStyleCommand)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="Default: KUBECONFIG, the pod's ServiceAccount, or ~/.kube/config.",
)
@click.option("--context", help="Context of the kubeconfig. Default: its current one.")
@click.option(
    "--namespace", default="", help="Watch this namespace only. Default: all."
)
@click.option(
    "--health-probe-bind-address",
    "health",
    default=":8081",
    show_default=True,
    help="Where /healthz and /readyz are served; 0 turns them off.",
)
@click.option(
    "--metrics-bind-address",
    "metrics",
    default="0",
    show_default=True,
    help="Where /metrics is served; 0 turns it off.",
)
@click.option(
    "--metrics-secure",
    type=bool,
    is_flag=False,
    flag_value=True,
    default=True,
    show_default=True,
    help="Metrics over TLS to authorized clients only. Not available yet: "
    "with a metrics address, pass --metrics-secure=false.",
)
@click.option(
    "--leader-elect",
    type=bool,
    is_flag=False,
    flag_value=True,
    default=False,
    help="Not available yet: run one replica.",
)
@click.option(
    "--default-config",
    type=click.Path(path_type=Path),
    help="Folder with default-config/ and plugin-deps/. Default: LOCALBIN.",
)
@click.option(
    "--profile",
    type=click.Choice(config.PROFILES),
    default=config.PROFILES[0],
    show_default=True,
    help="Default configuration to use where no folder is given.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option(
    "--zap-encoder",
    "log_format",
    type=click.Choice([encoder.value for encoder in logs.LogFormat]),
    help="Default: console on a terminal, json elsewhere.",
)
@click.option(
    "--zap-log-level",
    "log_level",
    type=click.Choice(["debug", "info", "error"]),
    default="info",
    show_default=True,
)
@click.option("--zap-devel", type=bool, is_flag=False, flag_value=True, hidden=True)
@click.option("--zap-stacktrace-level", hidden=True)
@click.option("--zap-time-encoding", hidden=True)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str,
    health: str,
    metrics: str,
    metrics_secure: bool,
    leader_elect: bool,
    default_config: Path | None,
    profile: str,
    workers: int,
    log_format: str | None,
    log_level: str,
    **ignored: object,
) -> None:
    """Run the operator until SIGTERM."""
    logs.configure(
        logs.LogFormat(log_format) if log_format else _log_format(),
        getattr(logging, log_level.upper()),
    )
    settings = Settings.from_env()
    metrics_address = probes.Address.parse("--metrics-bind-address", metrics)
    if metrics_address is not None and metrics_secure:
        raise errors.SettingsError(
            "--metrics-secure: metrics over TLS are not available yet; pass "
            "--metrics-secure=false with an address that only the scraper reaches"
        )
    if leader_elect:
        _log.warning("--leader-elect is not available yet: run one replica only")
    _warn_ignored(ctx, ignored)
    options = operator.Options(
        default=_default_config(default_config or settings.local_bin, profile),
        images=resources.Images(
            backstage=settings.backstage_image, postgresql=settings.postgresql_image
        ),
        namespace=namespace,
        workers=workers,
        health=probes.Address.parse("--health-probe-bind-address", health),
        metrics=metrics_address,
    )
    connection = kube.load(kubeconfig or settings.kubeconfig, context)
    process = operator.Operator(
        options,
        lambda on_request: kube.Client.connect(connection, on_request=on_request),
    )
    try:
        anyio.run(process.run)
    except* errors.SettingsError as group:
        raise _leaf(group) from None


for _flag in _WITHOUT_EFFECT:
    command.params.append(
        click.Option([_flag], hidden=True, is_flag=False, flag_value="true")
    )


def _leaf(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _default_config(folder: Path | None, profile: str) -> config.DefaultConfig:
    if folder is None:
        return config.DefaultConfig.shipped(profile)
    return config.DefaultConfig.load(folder)


def _log_format() -> logs.LogFormat:
    return logs.LogFormat.CONSOLE if sys.stderr.isatty() else logs.LogFormat.JSON


def _warn_ignored(ctx: click.Context, ignored: dict[str, object]) -> None:
    for name, value in ignored.items():
        source = ctx.get_parameter_source(name)
        if value is not None and source is click.core.ParameterSource.COMMANDLINE:
            _log.warning("--%s has no effect", name.replace("_", "-"))
