"""``backstage-op render``: what would be applied, computed without a cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from backstage_op import config, errors, resources
from backstage_op.document import Document, ref_of
from backstage_op.operator import offline
from backstage_op.settings import Settings

from . import environment

_STDIN: Final = Path("-")
_PLATFORMS: Final = ("kubernetes", "openshift")
_GENERATED: Final = "its values are generated once, in the cluster"


class _Row(msgspec.Struct, frozen=True):
    """An object, and what is to be said about it."""

    document: Document
    notes: tuple[str, ...]


@click.command("render")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@environment.folder
@environment.profile
@click.option(
    "--platform",
    type=click.Choice(_PLATFORMS),
    default=_PLATFORMS[0],
    show_default=True,
    help="What to compute for.",
)
@click.option(
    "--ingress-domain", default="", help="Wildcard domain of the OpenShift cluster."
)
@click.option(
    "-n",
    "--namespace",
    default=offline.NAMESPACE,
    show_default=True,
    help="Namespace of manifests that do not name theirs.",
)
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="YAML documents, or JSON (a List; with --explain: rows).",
)
@click.option(
    "--explain", is_flag=True, help="Say of each object which layers it comes from."
)
def command(
    files: tuple[Path, ...],
    *,
    folder: Path | None,
    profile: str,
    platform: str,
    ingress_domain: str,
    namespace: str,
    form: str,
    explain: bool,
) -> None:
    """Print the objects that would be applied for a Backstage.

    FILES hold one Backstage, and the ConfigMaps, Secrets and claims that it
    names; "-" is standard input. Its workload, if it is among them, keeps what
    cannot change. No cluster is asked. The exit code is 2 if the
    configuration has faults, which are listed.

    The variables of the operator have the same effect here (RELATED_IMAGE_…,
    HTTP_PROXY, ALLOW_PRIVILEGED_PATCHES and more; docs/operation.md lists them).
    To see what an operator would apply, give those that its Deployment sets;
    "kubectl set env deployment/NAME --list" prints them.
    """
    common = msgspec.structs.replace(
        environment.read(Settings.from_env(), folder, profile),
        platform=resources.Platform(
            is_openshift=platform == "openshift", ingress_domain=ingress_domain
        ),
    )
    documents = [document for file in files for document in _documents(file)]
    inputs = offline.inputs_of(documents, common, namespace=namespace)
    composition = resources.compose(inputs)
    for fault in composition.faults:
        click.echo(f"Error: {fault}", err=True)
    if composition.faults:
        raise click.exceptions.Exit(2)
    rows = list(_rows(inputs, composition, explain=explain))
    write = _write_json if form == "json" else _write_yaml
    click.echo(write(rows, explain=explain), nl=False)


def _documents(file: Path) -> Iterator[Document]:
    """Yield the objects of a file; those of a ``List`` one by one."""
    try:
        text = sys.stdin.read() if file == _STDIN else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.SettingsError(f"{file}: {error}; name a readable file") from error
    for document in config.manifests.load_all(text, source=str(file), key="manifest"):
        items = document.get("items")
        if str(document.get("kind")).endswith("List") and isinstance(items, list):
            yield from items
        else:
            yield document


def _rows(
    inputs: resources.Inputs, composition: resources.Composition, *, explain: bool
) -> Iterator[_Row]:
    layers = resources.explain(inputs, composition) if explain else {}
    for made in composition.objects:
        document = composition.documents[made.key]
        generated = (
            (_GENERATED,) if made.lifecycle is resources.Lifecycle.CREATE_ONCE else ()
        )
        yield _Row(document, (*layers.get(made.key, ()), *generated))


def _write_yaml(rows: list[_Row], *, explain: bool) -> str:
    texts = []
    for row in rows:
        head = [str(ref_of(row.document))] if explain else []
        comments = "".join(f"# {line}\n" for line in (*head, *row.notes))
        texts.append(comments + config.manifests.dump(row.document))
    return "---\n".join(texts)


def _write_json(rows: list[_Row], *, explain: bool) -> str:
    content: Mapping[str, Any] | list[Any]
    if explain:
        content = [{"object": row.document, "layers": list(row.notes)} for row in rows]
    else:
        items = [row.document for row in rows]
        content = {"apiVersion": "v1", "kind": "List", "items": items}
    encoded = msgspec.json.encode(content, order="sorted")
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
