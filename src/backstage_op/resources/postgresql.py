"""Which PostgreSQL an image holds: data of one major version open in no other."""

from __future__ import annotations

import re
from typing import Final

from backstage_op.document import Document

MAJOR: Final = "rhdh.redhat.com/postgresql-major"
"""The label of the password's Secret that tells which version wrote the data."""

_NAME: Final = re.compile(r"postgres(?:ql)?-(\d{1,2})(?:-|$)")
_TAG: Final = re.compile(r"(?:v|pg)?(\d{1,2})(?:[.-]|$)")
_POSTGRESQL: Final = re.compile(r"postgres")


def major_of(image: str) -> int | None:
    """Return the major version that an image's name or tag tells; None if none.

    ``quay.io/fedora/postgresql-15:latest`` and ``postgres:15.4`` are both 15;
    a digest or a mirror's name of its own tells nothing.
    """
    repository, _, _ = image.partition("@")
    folder, _, last = repository.rpartition("/")
    name, _, tag = last.partition(":")
    for part in (name, *reversed(folder.split("/"))):
        if (found := _NAME.search(part)) is not None:
            return int(found[1])
    if _POSTGRESQL.search(name) and (found := _TAG.match(tag)) is not None:
        return int(found[1])
    return None


def postgresql_major(stateful_set: Document) -> int | None:
    """Return the major version of the first container of a StatefulSet."""
    containers = stateful_set["spec"]["template"]["spec"]["containers"]
    return major_of(str(containers[0].get("image") or ""))
