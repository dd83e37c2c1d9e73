"""Words are broken between words where the terminal is narrow."""

from bayeslmm.cli.terminal import folded


def test_wide_lines_are_broken_and_go_on_in_their_last_column():
    lines = ["name  one two three", "      four", "short", "one two three four five"]
    assert list(folded(lines, 16, 20)) == ["name  one two", "      three four", "short", "one two three", "  four five"]


def test_a_line_that_had_room_for_the_next_word_ends_there():
    lines = ["         one two three", "         ends", "         -> cure"]
    assert list(folded(lines, 19, 26)) == ["         one two", "         three ends", "         -> cure"]
    assert list(folded(lines, 18, 40)) == ["         one two", "         three", "         ends", "         -> cure"]


def test_lines_that_fit_and_long_words_stay():
    assert list(folded(["  a  b", "", "unbreakable-word-of-its-own"], 12)) == [
        "  a  b",
        "",
        "unbreakable-word-of-its-own",
    ]
