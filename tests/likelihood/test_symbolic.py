"""Which terms are eliminated level by level, and which stay in the dense tail."""

import numpy as np
import pytest

from bayeslmm.errors import NotAvailableError
from bayeslmm.likelihood import symbolic
from bayeslmm.likelihood.symbolic import Pairs, Structure
from tests.designs import make_design


def structure(design):
    return Structure.of(
        [t.index for t in design.terms], [t.n_levels for t in design.terms], [t.k for t in design.terms]
    )


@pytest.mark.parametrize(
    ("shape", "lead", "tail"),
    [
        ("one", ["g"], []),
        ("nested", ["s:g", "g"], []),
        ("nested three deep", ["s:g", "g", "h"], []),
        ("crossed", ["g"], ["item"]),
        ("everything", ["s:g", "g", "h"], ["item", "rater"]),
    ],
)
def test_nested_terms_lead_and_crossed_ones_follow(shape, lead, tail):
    design = make_design(shape, seed=0, n=300)
    found = structure(design)
    names = [t.group for t in design.terms]
    assert [names[t] for t in found.lead] == lead
    assert [names[t] for t in found.tail] == tail
    assert found.q_tail == sum(t.k * t.n_levels for t in design.terms if t.group in tail)


def test_nesting_is_found_whatever_the_order_of_the_terms():
    design = make_design("nested three deep", seed=0, n=300)
    index = [t.index for t in reversed(design.terms)]
    found = Structure.of(index, [t.n_levels for t in reversed(design.terms)], [1, 1, 1])
    assert found.lead == (2, 1, 0)


def test_two_labellings_of_the_same_groups_nest_in_each_other():
    index = np.array([0, 1, 2, 0, 1, 2])
    found = Structure.of([index, 2 - index], [3, 3], [1, 1])
    assert len(found.lead) == 2
    assert not found.tail


def test_pairs_hold_only_what_occurs():
    pairs = Pairs.of(np.array([0, 0, 2, 2, 2]), np.array([1, 1, 0, 3, 0]), 4)
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 1), (2, 0), (2, 3)]
    assert pairs.find(np.array([2, 0]), np.array([3, 1])).tolist() == [2, 0]


def test_a_tail_that_would_not_fit_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(symbolic, "MAX_TAIL", 3)
    with pytest.raises(NotAvailableError, match=r"8 columns .* GB .*fewer levels"):
        structure(make_design("crossed", seed=0))
