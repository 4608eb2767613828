"""Replies that sound glad: nothing that acknowledges anger may stand before them."""

import pytest

from rasa_emotion.conversation.cheer import is_cheerful


@pytest.mark.parametrize(
    "text",
    [
        "Great, carry on!",
        "That's good to hear.",
        "You're welcome!",
        "Perfect. Your table is booked.",
        "Done 🎉",
        "See you :)",
        "Glad I could help.",
        "Prima, weiter so!",
        "Das freut mich.",
        "Parfait, c'est noté.",
        "¡Genial!",
        "Ottimo, a presto.",
        "Geweldig!",
    ],
)
def test_glad(text: str) -> None:
    assert is_cheerful(text)


@pytest.mark.parametrize(
    "text",
    [
        "Which line is it?",
        "Bye",
        "I am sorry that this was not great.",
        "Unfortunately the perfect time is past.",
        "Entschuldigung, das ist nicht schön.",
        "The greatness of Greatham is known.",
        "It costs 3:15 (or less).",
        "",
    ],
)
def test_not_glad(text: str) -> None:
    assert not is_cheerful(text)
