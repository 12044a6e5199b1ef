"""What the objects of all instances are computed from, as flags and variables say.

``run`` and ``render`` take it from here, so that what is printed is what would be
applied.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from backstage_op import config, operator, resources
from backstage_op.settings import Settings

profile: Final = click.option(
    "--profile",
    type=click.Choice(config.PROFILES),
    default=config.PROFILES[0],
    show_default=True,
    help="Default configuration to use where no folder is given.",
)
folder: Final = click.option(
    "--default-config",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder with default-config/ and plugin-deps/. Default: LOCALBIN.",
)


def read(settings: Settings, folder: Path | None, profile: str) -> operator.Environment:
    """Return the environment of a platform that is not known yet.

    Args:
        settings: The variables.
        folder: A default configuration; None if no flag names one.
        profile: The one to use where neither flag nor variable names a folder.

    Raises:
        errors.SettingsError: a folder or a file cannot be read.
        errors.ManifestError: ``metadata.yaml`` of a flavour is wrong.
    """
    return operator.Environment(
        default=_default_config(folder or settings.local_bin, profile),
        images=resources.Images(
            backstage=settings.backstage_image,
            postgresql=settings.postgresql_image,
            plugin_installer=settings.plugin_installer,
            catalog_index=settings.catalog_index_image,
        ),
        proxy=resources.Proxy(
            http=settings.http_proxy,
            https=settings.https_proxy,
            no_proxy=settings.no_proxy,
        ),
        allow_privileged_patches=settings.allow_privileged_patches,
    )


def _default_config(folder: Path | None, profile: str) -> config.DefaultConfig:
    if folder is None:
        return config.DefaultConfig.shipped(profile)
    return config.DefaultConfig.load(folder)
