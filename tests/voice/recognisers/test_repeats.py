"""Where Whisper repeats itself, a turn is heard once more with the window that it was trained on."""

import numpy as np
import pytest

pytest.importorskip("faster_whisper")

from rasa_emotion.voice.recognisers import Transcript
from rasa_emotion.voice.recognisers.whisper import REPEATS, WhisperRecogniser


@pytest.mark.parametrize(("window_secs", "tries"), [(10.0, [1000, 3000]), (30.0, [3000])])
def test_a_loop_is_heard_once_more(window_secs: float, tries: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = WhisperRecogniser(window_secs=window_secs).load()
    asked: list[int] = []

    def piece(samples: np.ndarray, start_secs: float, least: int) -> Transcript:
        asked.append(least)
        return Transcript("", warning=REPEATS) if len(asked) < len(tries) else Transcript("stop", 0.9)

    monkeypatch.setattr(engine, "_piece", piece)
    assert engine.recognise(np.zeros(16_000, np.float32)).text == "stop"
    assert asked == tries


def test_words_that_are_sure_are_heard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = WhisperRecogniser().load()
    asked: list[int] = []
    monkeypatch.setattr(engine, "_piece", lambda *given: asked.append(given[2]) or Transcript("stop", 0.9))
    engine.recognise(np.zeros(16_000, np.float32))
    assert asked == [1000]
