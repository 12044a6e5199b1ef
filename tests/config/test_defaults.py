"""A folder as the Go operator has it becomes a default configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstage_op import errors
from backstage_op.config import DefaultConfig, Flavour


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_files_flavours_and_dependencies_are_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "default-config/service.yaml": "a",
            "default-config/service.yaml.ocp": "b",
            "default-config/service.yaml.k8s": "c",
            "default-config/README.md": "not a manifest",
            "default-config/flavours/z/metadata.yaml": "",
            "default-config/flavours/a/metadata.yaml": "enabledByDefault: true",
            "default-config/flavours/a/deployment.yaml": "d",
            "plugin-deps/flow-1.yaml": "e",
            "plugin-deps/flow-2.yml": "f",
            "plugin-deps/notes.txt": "not a manifest",
        },
    )

    assert DefaultConfig.load(tmp_path) == DefaultConfig(
        source=str(tmp_path / "default-config"),
        files={"service.yaml": "a", "service.yaml.k8s": "c", "service.yaml.ocp": "b"},
        flavours=(
            Flavour(name="a", enabled_by_default=True, files={"deployment.yaml": "d"}),
            Flavour(name="z", enabled_by_default=False, files={}),
        ),
        plugin_dependencies={"flow-1.yaml": "e", "flow-2.yml": "f"},
    )


def test_config_maps_mounted_by_the_kubelet_are_read_once(tmp_path: Path) -> None:
    for folder, files in {
        "default-config": {"service.yaml": "a"},
        "default-config/flavours/a": {"metadata.yaml": "enabledByDefault: true"},
    }.items():
        mount = tmp_path / folder
        write(mount / "..2026_11_23", files)
        (mount / "..data").symlink_to("..2026_11_23")
        for name in files:
            (mount / name).symlink_to(f"..data/{name}")

    config = DefaultConfig.load(tmp_path)

    assert (config.files, config.flavours, config.plugin_dependencies) == (
        {"service.yaml": "a"},
        (Flavour(name="a", enabled_by_default=True, files={}),),
        {},
    )


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError) as caught:
        DefaultConfig.load(tmp_path)

    assert caught.value.message == (
        f"default configuration {tmp_path}/default-config: no such folder;"
        " mount it or set the root to the folder that holds default-config"
    )


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"default-config/service.yaml": ""})
    file = tmp_path / "default-config/service.yaml"
    file.write_bytes(b"a: \xff")

    with pytest.raises(errors.SettingsError) as caught:
        DefaultConfig.load(tmp_path)

    assert caught.value.message == f"file {file}: byte 3 is not UTF-8; save it as UTF-8"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("enabledByDefault: maybe", "Expected `bool`, got `str`"),
        ("enabled: true", "Object contains unknown field `enabled`"),
        ("- a", "Expected `object`, got `array`"),
        ("a: [", "line 1, column 5"),
    ],
)
def test_metadata_of_a_flavour_that_is_wrong_is_refused(
    tmp_path: Path, text: str, fault: str
) -> None:
    write(tmp_path, {"default-config/flavours/a/metadata.yaml": text})

    with pytest.raises(errors.ManifestError) as caught:
        DefaultConfig.load(tmp_path)

    assert caught.value.message.startswith(f'flavour "a", key metadata.yaml: {fault}')


def test_a_flavour_without_metadata_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"default-config/flavours/a/deployment.yaml": ""})

    with pytest.raises(errors.ManifestError) as caught:
        DefaultConfig.load(tmp_path)

    assert caught.value.message == (
        'flavour "a", key metadata.yaml: missing;'
        " write it with enabledByDefault: true or false"
    )


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(errors.SettingsError) as caught:
        DefaultConfig.shipped("nope")

    assert caught.value.message == (
        'profile "nope": unknown; use one of backstage.io, rhdh'
    )
