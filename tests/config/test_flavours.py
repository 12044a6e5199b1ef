from __future__ import annotations

from backstage_op import api
from backstage_op.config import Flavour, flavours

ALPHA = Flavour(name="alpha", enabled_by_default=True, files={})
BETA = Flavour(name="beta", enabled_by_default=False, files={})
GAMMA = Flavour(name="gamma", enabled_by_default=True, files={})
ALL = (ALPHA, BETA, GAMMA)


def wanted(**choices: bool) -> list[api.Flavour]:
    return [api.Flavour(name=name, enabled=on) for name, on in choices.items()]


def chosen(
    choices: list[api.Flavour] | None, of: tuple[Flavour, ...] = ALL
) -> tuple[Flavour, ...]:
    selection = flavours.select(of, choices)
    assert selection.faults == ()
    return selection.flavours


def refused(
    choices: list[api.Flavour] | None, of: tuple[Flavour, ...] = ALL
) -> list[str]:
    return [fault.message for fault in flavours.select(of, choices).faults]


def test_without_a_wish_the_default_ones_are_on() -> None:
    assert chosen(None) == (ALPHA, GAMMA)


def test_an_empty_list_turns_all_off() -> None:
    assert chosen([]) == ()


def test_a_list_adds_to_the_default_ones() -> None:
    assert chosen(wanted(beta=True)) == (ALPHA, GAMMA, BETA)


def test_a_list_turns_default_ones_off() -> None:
    assert chosen(wanted(beta=True, alpha=False)) == (GAMMA, BETA)


def test_the_order_of_the_list_counts() -> None:
    assert chosen(wanted(beta=True, alpha=True)) == (GAMMA, BETA, ALPHA)


def test_a_flavour_that_is_only_named_is_on() -> None:
    assert chosen([api.Flavour(name="beta")], of=(BETA,)) == (BETA,)


def test_of_a_name_given_twice_the_last_one_counts() -> None:
    twice = [*wanted(beta=True), *wanted(beta=False)]

    assert chosen(twice, of=(BETA,)) == ()


def test_all_unknown_names_are_told_with_the_known_ones() -> None:
    assert refused(wanted(nope=True, alpha=True, neither=False)) == [
        'spec.flavours[0].name: unknown flavour "nope"; use one of alpha, beta, gamma',
        (
            'spec.flavours[2].name: unknown flavour "neither"; '
            "use one of alpha, beta, gamma"
        ),
    ]


def test_a_name_is_refused_where_there_are_no_flavours() -> None:
    assert refused(wanted(nope=False), of=()) == [
        (
            'spec.flavours[0].name: unknown flavour "nope";'
            " the default configuration has none; remove it"
        )
    ]
