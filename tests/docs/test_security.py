"""``docs/security.md`` tells the rights that are granted, and no others."""

from __future__ import annotations

import re

from backstage_op import sandbox

from . import pages

_BEGIN = "<!-- rights: begin -->\n"
_END = "<!-- rights: end -->"


def test_the_rights_are_those_of_the_shipped_role() -> None:
    granted = {
        (group or "core", resource, verb)
        for document in sandbox.load(pages.ROOT / "deploy" / "rbac.yaml")
        for rule in document.get("rules") or ()
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    table = pages.text("docs/security.md").partition(_BEGIN)[2].partition(_END)[0]
    told = {
        (group.strip("` "), resource, verb.strip())
        for group, resources, verbs, _ in (
            row.strip("|").split("|") for row in table.splitlines()[2:]
        )
        for resource in re.findall(r"`([^`]+)`", resources)
        for verb in verbs.split(",")
    }
    assert told == granted
