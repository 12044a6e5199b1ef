"""The command line: parses, calls down, prints. No behavior of its own.

Exit codes: 0 done, 1 something failed, 2 the user can mend it (one line says
how), 130 it was interrupted from the keyboard.
"""

from __future__ import annotations

import sys

import click

from backstage_op import errors

from . import crd, render, run, sandbox


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backstage-op")
def root() -> None:
    """Deploy Backstage to Kubernetes from one resource and keep it in sync."""


root.add_command(run.command)
root.add_command(render.command)
root.add_command(sandbox.group)
root.add_command(crd.command)


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    try:
        root.main(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except errors.ConfigError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except errors.SandboxError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except errors.OperatorError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


__all__ = ["main", "root"]
