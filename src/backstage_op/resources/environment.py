"""Which variables a container is given, by whatever sets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from backstage_op.document import Document

from . import naming
from .contents import Contents
from .pod_template import CONFIG_MAP, SECRET, PodContribution
from .scope import Part, Scope


class Given(msgspec.Struct, frozen=True):
    """The names that are set; not all of them, unless ``is_complete``.

    What a manifest takes whole from an object that we never read is not known.
    """

    names: frozenset[str]
    is_complete: bool

    def leaves_open(self, name: str) -> bool:
        """Tell whether nothing that is known sets a variable, in either case."""
        return not {name.upper(), name.lower(), name} & self.names


def of(scope: Scope, parts: Sequence[Part], container: Document) -> Given:
    """Return what a container of the pod is given by its manifest and all parts."""
    contents = Contents(scope, parts)
    own_secret = SECRET, naming.database_secret_name(scope.instance.name)
    contributions = [
        part.contribution
        for part in parts
        if part.contribution and part.contribution.containers.has(container["name"])
    ]
    names = {str(entry.get("name")) for entry in container.get("env") or ()}
    names |= {v.name for made in contributions for v in made.variables}
    is_complete = True
    for prefix, kind, name in _whole_objects(container, contributions):
        found = contents.of(kind, name)
        if found is not None:
            names |= {prefix + key for key in found}
        elif (kind, name) != own_secret:
            is_complete = False
    return Given(frozenset(names), is_complete)


def _whole_objects(
    container: Document, contributions: Iterable[PodContribution]
) -> Iterator[tuple[str, str, str]]:
    """Yield prefix, kind and name of each object whose entries are all injected."""
    for entry in container.get("envFrom") or ():
        for field, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
            reference: Any = entry.get(field) or {}
            if "name" in reference:
                yield entry.get("prefix") or "", kind, reference["name"]
    for contribution in contributions:
        for environment in contribution.environments:
            yield "", environment.kind, environment.name
