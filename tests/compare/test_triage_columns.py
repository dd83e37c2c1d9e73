"""Tables of a reanalysis stay within 80 letters, and every number stays with its name."""

import pytest

from bayeslmm.compare.triage.columns import WIDTH, table

NUMBERS = {"npar": ["7", "4"], "REML": ["386.999", "392.649"], "p": ["", "0.015"], "of": ["singular", "boot 199"]}


def test_what_fits_stands_beside_its_name():
    lines = table(["as fitted", "(1 | g)"], NUMBERS, (4,)).splitlines()
    assert lines[0].split() == list(NUMBERS)
    assert [line.split() for line in lines[1:]] == [
        ["as", "fitted", "7", "386.999", "singular"],
        ["(1", "|", "g)", "4", "392.649", "0.015", "boot", "199"],
    ]
    assert lines[0].index("of") == lines[1].index("singular") == lines[2].index("boot")


def test_gaps_go_first():
    name = "x" * 51
    lines = table([name, "short"], NUMBERS, (4,)).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= WIDTH
    assert lines[1].startswith(f"{name}    7 386.999")


def test_a_long_name_has_a_line_of_its_own_and_the_others_none():
    name = "without (1 + weeks_since_start | municipality_and_school)"
    lines = table(["as fitted", name], NUMBERS, (4,)).splitlines()
    assert lines[2] == name
    assert lines[3].split() == ["4", "392.649", "0.015", "boot", "199"]
    assert lines[1].index("386.999") == lines[3].index("392.649")
    assert len(lines) == 4


@pytest.mark.parametrize("length", [20, 60, 200])
def test_columns_that_fit_nowhere_follow_below(length):
    numbers = {f"column {j}": [f"{j}.1234567", f"{j}.7654321"] for j in range(12)}
    name = " ".join(["word"] * (length // 5))
    lines = table([name, "b"], numbers).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [w for line in lines for w in line.split() if w.endswith(".1234567")] == [c[0] for c in numbers.values()]
    assert [w for line in lines if line.startswith("b") for w in line.split()[1:]] == [c[1] for c in numbers.values()]
