from __future__ import annotations

import pytest

from backstage_op import api, errors
from backstage_op.config import Flavour, flavours

ALPHA = Flavour(name="alpha", enabled_by_default=True, files={})
BETA = Flavour(name="beta", enabled_by_default=False, files={})
GAMMA = Flavour(name="gamma", enabled_by_default=True, files={})
ALL = (ALPHA, BETA, GAMMA)


def wanted(**choices: bool) -> list[api.Flavour]:
    return [api.Flavour(name=name, enabled=on) for name, on in choices.items()]


def test_without_a_wish_the_default_ones_are_on() -> None:
    assert flavours.select(ALL, None) == (ALPHA, GAMMA)


def test_an_empty_list_turns_all_off() -> None:
    assert flavours.select(ALL, []) == ()


def test_a_list_adds_to_the_default_ones() -> None:
    assert flavours.select(ALL, wanted(beta=True)) == (ALPHA, GAMMA, BETA)


def test_a_list_turns_default_ones_off() -> None:
    assert flavours.select(ALL, wanted(beta=True, alpha=False)) == (GAMMA, BETA)


def test_the_order_of_the_list_counts() -> None:
    assert flavours.select(ALL, wanted(beta=True, alpha=True)) == (GAMMA, BETA, ALPHA)


def test_a_flavour_that_is_only_named_is_on() -> None:
    assert flavours.select((BETA,), [api.Flavour(name="beta")]) == (BETA,)


def test_of_a_name_given_twice_the_last_one_counts() -> None:
    twice = [*wanted(beta=True), *wanted(beta=False)]

    assert flavours.select((BETA,), twice) == ()


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(errors.SpecError) as caught:
        flavours.select(ALL, wanted(alpha=True, nope=True))

    assert caught.value.message == (
        'spec.flavours[1].name: unknown flavour "nope"; use one of alpha, beta, gamma'
    )


def test_a_name_is_refused_where_there_are_no_flavours() -> None:
    with pytest.raises(errors.SpecError) as caught:
        flavours.select((), wanted(nope=False))

    assert caught.value.message == (
        'spec.flavours[0].name: unknown flavour "nope";'
        " the default configuration has none; remove it"
    )
