"""What of a text reaches the model, and how far it is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.errors import TextError
from rasa_emotion.text.cleaning import MAX_CHARS, TextQuality, clean, has_words, measure


@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x01\x1b", "?!... --", "\u200b\ufeff", "😡😡", "\ud800"])
def test_text_without_words_is_refused(text: str) -> None:
    assert not has_words(text)
    with pytest.raises(TextError, match="holds no word"):
        clean(text)


def test_a_lone_emoji_is_words_where_it_is_spelled() -> None:
    assert has_words("😡😡", spelled=True)
    assert clean("\ud800😡😡", spelled=True) == "pouting face pouting face"
    assert len(clean("😡" * MAX_CHARS, spelled=True)) <= MAX_CHARS
    assert not has_words("🇬🇧", spelled=True)  # two letters of a flag, of which nothing is left


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (":(", "slightly frowning face"),
        (":-(( :-(", "slightly frowning face slightly frowning face"),
        (">:(", "pouting face"),
        (":'(", "crying face"),
        ("!!! :D", "!!! grinning face"),
        (":o", "face with open mouth"),
        ("=)", "slightly smiling face"),
        ("ok :)", "ok :)"),
        ("http://x.y", "http://x.y"),
        ("1:) 2:)", "1:) 2:)"),
    ],
)
def test_emoticons_alone_are_words_too(text: str, read: str) -> None:
    assert has_words(text, spelled=True)
    assert clean(text, spelled=True) == read


@pytest.mark.parametrize("text", [":", ")", "(:", ":::", "?!", "..."])
def test_other_signs_are_none(text: str) -> None:
    assert not has_words(text, spelled=True)


def test_another_type_is_refused() -> None:
    with pytest.raises(TextError, match="NoneType"):
        clean(None)  # type: ignore[arg-type]


def test_control_characters_are_stripped() -> None:
    assert clean("I\x00 am\x1b \u200bvery\n\tangry\x7f!") == "I am very angry!"


def test_long_texts_are_cut() -> None:
    assert len(clean("word " * 20_000)) <= MAX_CHARS


@given(st.text())
def test_cleaning_never_fails_otherwise(text: str) -> None:
    try:
        cleaned = clean(text)
    except TextError:
        assert not has_words(text)
        return
    assert has_words(text)
    assert clean(cleaned) == cleaned
    cleaned.encode("utf-8")


def test_quality_counts_words_and_letters() -> None:
    tokens = ["[CLS]", "angry", "xyl", "##oph", ",", "[UNK]", "[SEP]"]
    quality = measure("angry xyloph, ж", tokens, [None, 0, 1, 1, 2, 3, None])
    assert (quality.words, quality.different) == (3, 3)
    assert quality.known_share == pytest.approx(1 / 3, abs=1e-4)
    assert quality.latin_share == pytest.approx(11 / 12, abs=1e-4)


@pytest.mark.parametrize(
    ("known", "latin", "expected"),
    [(1.0, 1.0, 1.0), (0.8, 1.0, 1.0), (0.6, 1.0, 0.5), (0.4, 1.0, 0.0), (1.0, 0.0, 0.0), (0, 1, 0)],
)
def test_reliability(known: float, latin: float, expected: float) -> None:
    assert TextQuality(words=20, different=20, known_share=known, latin_share=latin).reliability == expected


@pytest.mark.parametrize(("known", "expected"), [(0.75, 1.0), (0.25, 1.0), (0.0, 0.0)])
def test_a_few_unknown_words_beside_known_ones_lower_nothing(known: float, expected: float) -> None:
    assert TextQuality(words=4, different=4, known_share=known, latin_share=1.0).reliability == expected


@pytest.mark.parametrize(("different", "expected"), [(1, 1.0), (3, 1.0), (4, 0.0)])
def test_a_few_words_are_read_though_the_vocabulary_lacks_them(different: int, expected: float) -> None:
    assert TextQuality(words=4, different=different, known_share=0.0, latin_share=1.0).reliability == expected


def test_a_stretched_word_counts_as_known() -> None:
    quality = measure("loooove maddd", ["lo", "##oo", "##ove", "mad", "##dd"], [0, 0, 0, 1, 1])
    assert (quality.different, quality.known_share) == (2, 1.0)


def test_a_word_said_again_counts_once() -> None:
    quality = measure("dam dam ok", ["[CLS]", "da", "##m", "da", "##m", "ok", "[SEP]"], [None, 0, 0, 1, 1, 2, None])
    assert (quality.words, quality.different, quality.known_share) == (3, 2, 0.5)


def test_a_foreign_language_makes_unreliable_whatever_words_are_known() -> None:
    quality = TextQuality(words=4, different=4, known_share=0.75, latin_share=1.0, foreign_language="de")
    assert quality.reliability == 0
