"""Sentences end where they end, and joined they are the text again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.sentences import is_question, sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hello. How are you?", ["Hello. ", "How are you?"]),
        ("Dr. Wu, e.g. J. R. Wu, is in. Really!", ["Dr. Wu, e.g. J. R. Wu, is in. ", "Really!"]),
        (
            "It costs 3.50. Go to www.a.org/x.html. Bye",
            ["It costs 3.50. ", "Go to www.a.org/x.html. ", "Bye"],
        ),
        ('He said "no." Then he left.', ['He said "no." ', "Then he left."]),
        ("Wait... what? No", ["Wait... what? ", "No"]),
        ("z. B. die Rechnung. Ja.", ["z. B. die Rechnung. ", "Ja."]),
        ("- one\n- two", ["- one\n", "- two"]),
        ("你好。请问？", ["你好。", "请问？"]),
        ("", []),
    ],
)
def test_sentences(text, parts):
    assert sentences(text) == parts


@given(st.text(alphabet=st.sampled_from('aB.!?… \n")。？1')) | st.text())
def test_joined_they_are_the_text(text):
    found = sentences(text)
    assert "".join(found) == text
    assert all(found)


def test_questions():
    assert is_question('Is it "you?" ')
    assert is_question("请问？")
    assert not is_question("A question? No.")
