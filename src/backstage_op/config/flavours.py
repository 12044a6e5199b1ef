"""Which flavours of the default configuration are on, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from backstage_op import api, errors

from .defaults import Flavour


def select(
    flavours: Sequence[Flavour], wanted: Sequence[api.Flavour] | None
) -> tuple[Flavour, ...]:
    """Return the flavours to use.

    Those that are on by default come first, in the order of the configuration,
    except where the specification names them. Those that the specification
    turns on follow in its order.

    Args:
        flavours: All flavours of the default configuration.
        wanted: ``spec.flavours``. None leaves the defaults, an empty list turns
            all off, a list overrides by name; of a name given twice the last
            one counts.

    Raises:
        errors.SpecError: a name is not a flavour of the configuration.
    """
    by_name = {flavour.name: flavour for flavour in flavours}
    if wanted is not None and not wanted:
        return ()
    choices: dict[str, bool] = {}
    for number, choice in enumerate(wanted or ()):
        if choice.name not in by_name:
            raise errors.SpecError(
                f"spec.flavours[{number}].name",
                f'unknown flavour "{choice.name}"; {_known(by_name)}',
            )
        choices.pop(choice.name, None)
        choices[choice.name] = choice.enabled
    defaults = [
        flavour
        for flavour in flavours
        if flavour.enabled_by_default and flavour.name not in choices
    ]
    return (*defaults, *(by_name[name] for name, on in choices.items() if on))


def _known(by_name: dict[str, Flavour]) -> str:
    if not by_name:
        return "the default configuration has none; remove it"
    return "use one of " + ", ".join(by_name)
