import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.report.sanitize import bounded, encodable, for_xml, marked_each, marked_lines, one_line

SEPARATORS = ["\r\n", "\r", "\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
EVERY_CHARACTER = "".join(map(chr, range(sys.maxunicode + 1)))


def test_no_control_bidi_or_surrogate_survives():
    out = one_line(EVERY_CHARACTER, limit=10**8)

    assert {unicodedata.category(c) for c in out}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert not any(
        c in out for c in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    assert {unicodedata.bidirectional(c) for c in out}.isdisjoint(
        {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    )


def test_what_is_taken_out_is_spelled_out():
    assert one_line("a\x1b[31m\u202eb\x9b\ud800") == r"a\x1b[31m\u202eb\x9b\ud800"


def test_plain_words_in_any_language_stay():
    text = "naïve 你好 привет שלום 🎉 [bold]"
    assert one_line(text) == text


@pytest.mark.parametrize("separator", SEPARATORS)
def test_every_separator_splits_and_every_line_is_marked(separator):
    assert marked_lines(f"a{separator}::error::b{separator}") == ["| a", "| ::error::b"]
    assert one_line(f"a{separator}::error::b") == "a ::error::b"


@pytest.mark.parametrize("text", ["::error::x", "  ::error::x", "\t::x::", "\n::x::", "\x85::x::"])
def test_a_line_never_starts_with_a_command(text):
    assert not one_line(text).strip().startswith("::")


@pytest.mark.parametrize("text", ["##[x]", "a ##[x]", "###[x]", "####[[x]", "##vso[x]", "##teamcity[x]"])
def test_commands_in_the_middle_are_broken(text):
    for out in (one_line(text), *marked_lines(text)):
        assert "##[" not in out
        assert "##vso[" not in out
        assert "##teamcity[" not in out


@given(st.text(max_size=400), st.integers(60, 300))
def test_bounded_text_keeps_its_limit_and_both_ends(text, limit):
    out = bounded(text, limit)

    assert len(out) <= limit
    assert out == text if len(text) <= limit else (text.startswith(out[:3]) and text.endswith(out[-3:]))


def test_a_cut_says_exactly_how_much_is_missing():
    out = bounded("?" * 3_000_000, 20_000)

    left = int(out.split("[... ")[1].split(" ")[0].replace(",", ""))
    assert out.count("?") + left == 3_000_000


def test_a_trace_of_a_hundred_thousand_lines_is_cut():
    out = marked_lines("x\n" * 8_000, lines=100)

    assert len(out) == 101
    assert out[50] == "| [... 7,900 lines left out ...]"


@pytest.mark.parametrize("separator", SEPARATORS)
def test_what_is_a_line_already_stays_one_and_its_separators_are_spelled_out(separator):
    (line,) = marked_each([f"-a{separator}::error::b"])

    assert line.startswith("| -a\\")
    assert line.endswith("::error::b")


def test_lines_that_differ_only_in_what_nobody_sees_do_not_look_the_same():
    shown = marked_each(["\tx", "    x", "x", "x\r", "x\u200b", "\u00a0x"])

    assert shown == [r"| \x09x", "|     x", "| x", r"| x\x0d", r"| x\u200b", "| \u00a0x"]


def test_every_character_is_inert_in_a_line_too():
    (line,) = marked_each([EVERY_CHARACTER + "##[x]"], limit=10**8, width=10**8)

    assert {unicodedata.category(c) for c in line}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert "##[" not in line


def test_of_many_lines_the_first_are_shown_and_the_others_counted():
    assert marked_each(["abc", "def", "ghi"], limit=8) == ["| abc", "| def", "| [... 1 lines left out ...]"]
    assert marked_each(["x"] * 1_000)[-1] == "| [... 600 lines left out ...]"
    assert len(marked_each(["x"] * 1_000)) == 401
    assert marked_each(["x" * 600]) == ["| " + "x" * 499 + "…"]
    assert marked_each([]) == []


def test_xml_gets_only_what_xml_allows():
    lxml = pytest.importorskip("lxml.etree")
    text = for_xml(EVERY_CHARACTER)

    element = lxml.Element("x")
    element.text = text
    assert lxml.fromstring(lxml.tostring(element, encoding="utf-8")).text is not None


def test_lone_surrogates_can_be_encoded():
    assert encodable("a\ud800b") == r"a\ud800b"
    encodable(EVERY_CHARACTER).encode()
