"""``backstage-op run``: the operator process, with the Go operator's flags."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio
import click

from backstage_op import errors, kube, operator
from backstage_op.operator import certificate, logs, manager, metrics_server, server
from backstage_op.settings import Settings, kubeconfig_from_env

from . import environment, interpreter

_log: Final = logging.getLogger(__name__)

_WITHOUT_EFFECT: Final = (
    "--enable-cache-label-filter",
    "--enable-http2",
    "--webhook-cert-key",
    "--webhook-cert-name",
    "--webhook-cert-path",
)
"""Flags of the Go operator that are accepted, so that its manifests start."""


_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "error": logging.ERROR,
    "panic": logging.CRITICAL,
}


def _go_flags(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the single-dash flags that Go accepts made ours."""
    return [
        f"-{argument}"
        if argument.startswith("-") and not argument.startswith("--") and argument[2:3]
        else argument
        for argument in arguments
    ]


def _level(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return a level as zap names it, or a verbosity, as a level of ``logging``."""
    if value is None or value in _LEVELS:
        return _LEVELS.get(value or "")
    if value.isdecimal() and int(value) > 0:
        return logging.DEBUG
    raise click.BadParameter(
        f"{value!r} is none of {', '.join(_LEVELS)} and no number above 0"
    )


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
    "--namespace",
    "watched",
    help="Watch this namespace only, or these, separated by commas. Default: "
    "WATCH_NAMESPACE; empty means all.",
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
    help="Serve metrics over TLS, to who has the right to get /metrics.",
)
@click.option(
    "--metrics-cert-path",
    type=click.Path(path_type=Path),
    help="Folder with the certificate of the metrics. Default: one that this "
    "process signs itself.",
)
@click.option("--metrics-cert-name", default="tls.crt", show_default=True)
@click.option("--metrics-cert-key", default="tls.key", show_default=True)
@click.option(
    "--leader-elect",
    type=bool,
    is_flag=False,
    flag_value=True,
    default=False,
    show_default=True,
    help="Of several replicas, let one work and the others wait.",
)
@click.option(
    "--leader-election-namespace",
    "election_namespace",
    help="Where the Lease is. Default: POD_NAMESPACE, or the pod's own namespace.",
)
@environment.folder
@environment.profile
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=manager.WORKERS,
    show_default=True,
    help="How many instances are reconciled at the same time.",
)
@click.option(
    "--zap-encoder",
    "log_format",
    type=click.Choice([encoder.value for encoder in logs.LogFormat]),
    help="Default: console on a terminal, json elsewhere.",
)
@click.option(
    "--zap-log-level",
    "log_level",
    callback=_level,
    help="debug, info, error, panic, or a number above 0 for debug. Default: info.",
)
@click.option(
    "--zap-devel",
    "is_devel",
    type=bool,
    is_flag=False,
    flag_value=True,
    default=False,
    help="Default to --zap-encoder=console and --zap-log-level=debug.",
)
@click.option("--zap-stacktrace-level", hidden=True)
@click.option("--zap-time-encoding", hidden=True)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    kubeconfig: Path | None,
    context: str | None,
    watched: str | None,
    health: str,
    metrics: str,
    metrics_secure: bool,
    metrics_cert_path: Path | None,
    metrics_cert_name: str,
    metrics_cert_key: str,
    leader_elect: bool,
    election_namespace: str | None,
    folder: Path | None,
    profile: str,
    workers: int,
    log_format: str | None,
    log_level: int | None,
    is_devel: bool,
    **ignored: object,
) -> None:
    """Run the operator until SIGTERM.

    What it reads of its environment (images of portals, their proxy, and more) is
    listed in docs/operation.md.
    """
    _configure_logs(log_format, log_level, is_devel=is_devel)
    interpreter.allow_deep_json()
    settings = Settings.from_env()
    metrics_address = server.Address.parse("--metrics-bind-address", metrics)
    files = None
    if metrics_cert_path is not None:
        files = certificate.Files(
            metrics_cert_path / metrics_cert_name, metrics_cert_path / metrics_cert_key
        )
    health_address = server.Address.parse("--health-probe-bind-address", health)
    _warn_ignored(ctx, ignored)
    connection = kube.load(kubeconfig or kubeconfig_from_env(), context)
    options = operator.Options(
        environment=environment.read(settings, folder, profile),
        namespaces=_names(settings.watched if watched is None else watched),
        workers=workers,
        election=_election(
            election_namespace or settings.pod_namespace or connection.pod_namespace
        )
        if leader_elect
        else "",
        health=health_address,
        metrics=metrics_server.Exposure(
            address=metrics_address, secure=metrics_secure, files=files
        )
        if metrics_address is not None
        else None,
    )
    process = operator.Operator(
        options, functools.partial(kube.Client.connect, connection)
    )
    interpreter.keep_pauses_short()
    try:
        anyio.run(process.run)
    except* errors.SettingsError as group:
        raise _leaf(group) from None
    interpreter.leave_threads_behind()


for _flag in _WITHOUT_EFFECT:
    command.params.append(
        click.Option([_flag], hidden=True, is_flag=False, flag_value="true")
    )


def _leaf(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _election(namespace: str) -> str:
    if not namespace:
        raise errors.SettingsError(
            "--leader-elect: the namespace of the Lease is not known outside of a "
            "pod; pass --leader-election-namespace"
        )
    return namespace


def _names(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas, each once."""
    names = (name.strip() for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _configure_logs(
    log_format: str | None, level: int | None, *, is_devel: bool
) -> None:
    is_for_people = is_devel or sys.stderr.isatty()
    usual = logs.LogFormat.CONSOLE if is_for_people else logs.LogFormat.JSON
    if level is None:
        level = logging.DEBUG if is_devel else logging.INFO
    logs.configure(logs.LogFormat(log_format) if log_format else usual, level)


def _warn_ignored(ctx: click.Context, ignored: dict[str, object]) -> None:
    for name, value in ignored.items():
        source = ctx.get_parameter_source(name)
        if value is not None and source is click.core.ParameterSource.COMMANDLINE:
            _log.warning("--%s has no effect", name.replace("_", "-"))
