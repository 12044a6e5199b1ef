"""What flags and variables make of the objects of every instance."""

from __future__ import annotations

from pathlib import Path

from backstage_op import config, operator, resources
from backstage_op.cli import environment
from backstage_op.settings import Settings


def _folder(parent: Path, name: str) -> Path:
    (parent / name / "default-config").mkdir(parents=True)
    return parent / name


def test_every_variable_that_instances_are_made_from_has_its_place(
    tmp_path: Path,
) -> None:
    folder = _folder(tmp_path, "local")
    settings = Settings(
        local_bin=folder,
        backstage_image="backstage:1",
        postgresql_image="postgresql:1",
        catalog_index_image="index:1",
        plugin_installer="installer:1",
        http_proxy="http://a",
        https_proxy="http://b",
        no_proxy="c",
        allow_privileged_patches=True,
    )

    assert environment.read(settings, None, "rhdh") == operator.Environment(
        default=config.DefaultConfig.load(folder),
        images=resources.Images(
            backstage="backstage:1",
            postgresql="postgresql:1",
            catalog_index="index:1",
            plugin_installer="installer:1",
        ),
        proxy=resources.Proxy(http="http://a", https="http://b", no_proxy="c"),
        allow_privileged_patches=True,
    )


def test_a_folder_of_a_flag_wins_over_that_of_the_variable(tmp_path: Path) -> None:
    named = _folder(tmp_path, "named")
    settings = Settings(local_bin=_folder(tmp_path, "local"))

    read = environment.read(settings, named, "rhdh")

    assert read.default == config.DefaultConfig.load(named)


def test_without_a_folder_the_profile_is_used() -> None:
    read = environment.read(Settings(), None, "rhdh")

    assert read.default == config.DefaultConfig.shipped("rhdh")
