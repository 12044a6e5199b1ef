"""The default configuration that a command works with: a folder, or a profile."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from backstage_op import config

option: Final = click.option(
    "--profile",
    type=click.Choice(config.PROFILES),
    default=config.PROFILES[0],
    show_default=True,
    help="Default configuration to use where no folder is given.",
)


def default_config(folder: Path | None, profile: str) -> config.DefaultConfig:
    """Return the configuration of a folder; without one, that of a profile.

    Raises:
        errors.SettingsError: a folder or a file cannot be read.
        errors.ManifestError: ``metadata.yaml`` of a flavour is wrong.
    """
    if folder is None:
        return config.DefaultConfig.shipped(profile)
    return config.DefaultConfig.load(folder)
