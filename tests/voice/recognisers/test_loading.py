"""Recognisers are found by name or module path."""

import numpy as np
import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.voice.recognisers import Transcript, Turn, load_recogniser
from rasa_emotion.voice.recognisers.none import NoRecogniser

OWN = f"{__name__}.Own"


class Own(NoRecogniser):
    """A recogniser of somebody's own."""

    def __init__(self, words: str = "hello") -> None:
        self.words = words

    async def final(self, turn: Turn) -> Transcript:
        return Transcript(self.words, 0.9)


class Lacking:
    """Not all of one."""


async def test_none_gives_no_words() -> None:
    recogniser = load_recogniser("none")
    await recogniser.start()
    await recogniser.feed(np.zeros(320, np.float32))
    recogniser.pause(Turn(0, 1))
    assert recogniser.partial() is None
    assert (await recogniser.final(Turn(0, 1))).text == ""
    await recogniser.close()


async def test_a_class_of_ones_own() -> None:
    assert (await load_recogniser(OWN, {"words": "good morning"}).final(Turn(0, 1))).text == "good morning"


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("wisper", {}, "There is no recogniser 'wisper'"),
        ("nowhere.Recogniser", {}, "cannot be loaded"),
        (OWN, {"wrods": "x"}, "did you mean 'words'"),
        ("none", {"words": "x"}, "has no option"),
        (f"{__name__}.Lacking", {}, "lacks start, feed"),
    ],
)
def test_what_cannot_be_used_is_said(name: str, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_recogniser(name, options)
