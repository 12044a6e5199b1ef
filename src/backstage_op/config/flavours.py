"""Which flavours of the default configuration are on, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backstage_op import api, errors

from .defaults import Flavour


class Selection(msgspec.Struct, frozen=True):
    """The flavours to use, in order, and the names that are none."""

    flavours: tuple[Flavour, ...]
    faults: tuple[errors.SpecError, ...] = ()


def select(
    flavours: Sequence[Flavour], wanted: Sequence[api.Flavour] | None
) -> Selection:
    """Choose the flavours to use.

    Those that are on by default come first, in the order of the configuration,
    except where the specification names them. Those that the specification
    turns on follow in its order.

    Args:
        flavours: All flavours of the default configuration.
        wanted: ``spec.flavours``. None leaves the defaults, an empty list turns
            all off, a list overrides by name; of a name given twice the last
            one counts.
    """
    by_name = {flavour.name: flavour for flavour in flavours}
    if wanted is not None and not wanted:
        return Selection(())
    choices: dict[str, bool] = {}
    faults = []
    for number, choice in enumerate(wanted or ()):
        if choice.name not in by_name:
            faults.append(
                errors.SpecError(
                    f"spec.flavours[{number}].name",
                    f'unknown flavour "{choice.name}"; {_known(by_name)}',
                )
            )
            continue
        choices.pop(choice.name, None)
        choices[choice.name] = choice.enabled
    defaults = [
        flavour
        for flavour in flavours
        if flavour.enabled_by_default and flavour.name not in choices
    ]
    chosen = (by_name[name] for name, on in choices.items() if on)
    return Selection((*defaults, *chosen), tuple(faults))


def _known(by_name: dict[str, Flavour]) -> str:
    if not by_name:
        return "the default configuration has none; remove it"
    return "use one of " + ", ".join(by_name)
