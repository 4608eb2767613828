"""What people format in a helpdesk, as plain text."""

import pytest

from rasa_emotion.handoff.markup import MAX_CHARACTERS, from_html, from_markdown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Hello Ada,\\\n**Please** wait", "Hello Ada,\nPlease wait"),
        ("Hello Ada,\\\n\n*Please* wait", "Hello Ada,\n\nPlease wait"),
        ("Hello Ada,\nplease wait", "Hello Ada,\nplease wait"),
        ("open [this](https://a.example/b)", "open this (https://a.example/b)"),
        ("[https://a.example](https://a.example)", "https://a.example"),
        ("<https://a.example>", "https://a.example"),
        ("![a lamp](https://a.example/l.png)", "a lamp https://a.example/l.png"),
        ("<p>from 5 &lt; 6</p>", "from 5 < 6"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("- one\n- two", "- one\n- two"),
        ("# Title\ntext", "Title\n\ntext"),
        ("> quoted\n\nanswer", "quoted\n\nanswer"),
        ("`code` and ~~old~~ new", "code and old new"),
        ("```\nfirst\nsecond\n```", "first\nsecond"),
        ("    first\n    second", "first\nsecond"),
        ("| plan | price |\n|---|---|\n| S | 5 |", "plan  price\nS     5"),
        ("1) one\n2) two", "1. one\n2. two"),
        ("***both*** and __one__", "both and one"),
        ("see [x]\n\n[x]: https://a.example", "see x (https://a.example)"),
        ("Hello&nbsp;Ada &amp; Bob", "Hello Ada & Bob"),
        ("Hi <b>Ada</b>,<br/>please <u>wait</u>", "Hi Ada,\nplease wait"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a  b"),
        ("<iframe src=https://a.example>x</iframe>See above", "See above"),
        ("a<script>alert(1)</script>b<!-- no -->", "ab"),
    ],
)
def test_markup_goes_and_line_breaks_stay(written: str, shown: str) -> None:
    assert from_markdown(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4 = 24",
        "I <3 you, 5 < 6 > 4",
        "snake_case_word",
        "write <your name> here",
        "<Ada Lovelace>",
        "2019. That was the year.",
        "#1234 is your order",
        "***",
        "AT&T",
        ">" * 300 + "x",
        "x" * (MAX_CHARACTERS + 1),
        "**" + "x" * MAX_CHARACTERS,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert from_markdown(text) == text


@pytest.mark.parametrize(
    "text", ["<hr>", "<p></p>", "<iframe src=x>", "<script>x()</script>", "<!-- x -->", "<input value=x>"]
)
def test_what_shows_nothing_is_nothing(text: str) -> None:
    assert from_html(text) == from_markdown(text) == ""


@pytest.mark.parametrize("picture", ["![](https://a.example/l.png)", "![a lamp](https://a.example/l.png)"])
def test_a_picture_alone_is_shown_and_not_spoken(picture: str) -> None:
    assert from_markdown(picture).endswith("https://a.example/l.png")
    assert from_markdown(picture, spoken=True) == ""


def test_a_backslash_of_ones_own_stays() -> None:
    assert from_markdown("C:\\\\") == "C:\\"


def test_what_is_spoken_has_no_marks() -> None:
    written = "**Please**:\n\n1. open [this](https://a.example)\n2. wait\n\n![a lamp](https://a.example/l.png)"
    assert from_markdown(written, spoken=True) == "Please:\n\nopen this\nwait"
    assert from_html("<ul><li>one</li><li><b>two</b></li></ul>", spoken=True) == "one\ntwo"


@pytest.mark.parametrize(
    "text", ["<div>" * 240 + "x", "<div>" * 2000 + "x", "<table>" * 500 + "x", "<b", "<", "\x00<p>", ""]
)
def test_broken_html_is_an_answer(text: str) -> None:
    assert isinstance(from_html(text), str)
    assert isinstance(from_markdown(text), str)
