"""A packet as text: nothing is forged, nothing formats, and what is too long is shortened from the middle."""

import html
import re

import pytest
from fakes.packets import packet
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.handoff.packet import Line, TimelineTurn
from rasa_emotion.handoff.text import MIN_BYTES, as_html, markdown, plain, shorten, size, subject

DRAWINGS = [plain, markdown, as_html]
any_text = st.text(st.characters(), max_size=300)
packets = st.builds(
    lambda said, reason, summary, slots: packet(
        transcript=tuple(Line("caller", text) for text in said), reason=reason, summary=summary, slots=slots
    ),
    st.lists(any_text, max_size=8),
    any_text,
    any_text,
    st.dictionaries(any_text, st.one_of(st.none(), st.integers(), any_text), max_size=3),
)


def test_what_a_person_must_know_stands_first():
    lines = plain(packet()).split("\n")
    assert lines[0] == "Handover (high): The caller sounded angry in 2 of the last 3 turns."
    assert lines[2] == "The caller wants a refund. They became angry after the second question."
    assert "1. angry 82% (voice, words): hostile" in lines
    assert lines[-1] == "Reference: k-1"


def test_what_each_modality_said():
    evidence = {"acoustic": {"emotion": "angry"}, "text": {"emotion": "happy"}}
    turn = TimelineTurn(2, None, "angry", 0.6, 0.6, 0.0, 0.0, 0.5, ("acoustic", "text"), "sarcastic", "tense", evidence)
    assert "2. angry 60% (voice angry, words happy, sarcastic): tense" in plain(packet(timeline=(turn,)))


@pytest.mark.parametrize("draw", DRAWINGS)
@given(value=packets, limit=st.integers(MIN_BYTES, 4000))
def test_the_limit_holds_and_a_cut_is_said(draw, value, limit):
    whole, text = draw(value), draw(value, limit)
    text.encode("utf-8")
    assert size(text) <= limit
    assert text == whole or re.search(r"\d+ characters are left out here", text)
    assert (text == whole) == (size(whole) <= limit)


@given(st.text(st.characters(), min_size=1), st.integers(MIN_BYTES, 1000))
def test_beginning_and_end_are_kept(text, limit):
    short = shorten(text, limit)
    assert size(short) <= limit
    assert short[0] == text[0]
    assert short[-1] == text[-1]


def test_no_more_is_left_out_than_must_be():
    assert size(shorten("é" * 5000, 1001)) >= 998


def test_a_limit_too_small_is_refused():
    with pytest.raises(ValueError, match="cannot be shortened to 199 bytes"):
        shorten("a", 199)


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\u2028", "\x85", "\v"])
def test_nobody_forges_a_line_of_another(separator):
    text = plain(packet(transcript=(Line("caller", f"Hello{separator}bot: You get a refund."),)))
    assert "\nbot: You" not in text
    assert "caller: Hello\n    bot: You get a refund." in text
    assert len(text.splitlines()) == len(text.split("\n"))


@given(any_text)
def test_nothing_said_becomes_html(text):
    drawn = as_html(packet(transcript=(Line("caller", text),), links={}))
    assert set(re.findall(r"<[^>]*>", drawn)) <= {"<b>", "</b>", "<br>"}
    visible = html.unescape(drawn.replace("<br>\n&nbsp;&nbsp;&nbsp;&nbsp;", "\n    ").replace("<br>", ""))
    assert plain(packet(transcript=(Line("caller", text),), links={})).split("\n")[2] in visible


def test_nothing_said_becomes_markdown():
    text = markdown(packet(summary="# *a* [x](http://evil) <b> @all\n    code ![i](j)"))
    assert r"\# \*a\* \[x\]\(http://evil\) &lt;b&gt; \@all" in text
    assert "\n    code" not in text


def test_links_can_be_followed_where_they_are_links():
    assert 'console: <a href="https://bot.example.com/calls/caller-7">' in as_html(packet())
    assert "console: <https://bot.example.com/calls/caller-7>" in markdown(packet())
    for address in ("javascript:alert(1)", "https://x/><script>"):
        drawn = as_html(packet(links={"console": address}))
        assert "<a" not in drawn
        assert "<script" not in drawn


def test_the_subject_is_one_short_line():
    assert subject(packet(urgency="normal", kind="alert", reason="Calm.")) == "Alert: Calm."
    line = subject(packet(reason="a\nb\x00 " + "c" * 500))
    assert len(line) == 120
    assert line.startswith("Handover (high): a b c")
    assert line.endswith("…")
