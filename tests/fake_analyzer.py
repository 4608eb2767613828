"""An analyzer whose answers tests can foresee: words by key word, voices by the pitch of a tone."""

import functools
import hashlib
import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from rasa_emotion.audio import Waveform, load_audio
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ModelError, TextError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.protocol import Capabilities, one_by_one
from rasa_emotion.text.cleaning import has_words

WORDS = {
    "furious": ("angry", 0.96),
    "annoyed": ("angry", 0.7),
    "sad": ("sad", 0.8),
    "worried": ("fear", 0.8),
    "wonderful": ("happy", 0.9),
}
# The seconds that hearing this pitch takes, for tests of what goes on meanwhile.
SLOW_PITCH, SLOW_SECS = 1200, 3.0
SLOWLY, ENOUGH = threading.Event(), threading.Event()
"""The one is set when that has begun; the other may be set to end it before its time."""
PITCHES = {
    200: ("neutral", 0.8),
    400: ("angry", 0.7),
    600: ("angry", 0.96),
    800: ("happy", 0.9),
    1000: ("sad", 0.8),
    SLOW_PITCH: ("neutral", 0.8),
}


def evidence(modality: str, emotion: str, probability: float) -> Evidence:
    """Evidence for one emotion; the rest is shared by the others."""
    rest = (1 - probability) / (len(EMOTIONS) - 1)
    return Evidence(modality, {name: probability if name == emotion else rest for name in EMOTIONS}, model="fake")


def estimate(emotion: str, probability: float = 0.8) -> EmotionEstimate:
    """The estimate of a turn whose words say one emotion."""
    return FakeAnalyzer().fuse([evidence("text", emotion, probability)])


class FakeAnalyzer:
    """An `Analyzer`; the contract test asks of it what it asks of the real one."""

    def __init__(self, checksum: str = "fake") -> None:
        self.capabilities = Capabilities("fake", "fake", checksum, checksum, 0, ("en",))
        self.fusion = Fusion({"acoustic": 0.5, "text": 0.5}, 1.0, 0.3, {"sarcastic": 0.6, "masked": 0.6})

    @classmethod
    def load(cls, models=None, *, acoustic="acoustic", allow_missing=False) -> "FakeAnalyzer":
        """With a folder, the checksum is that of its file `weights`."""
        if models is None:
            return cls()
        weights = Path(models) / "weights"
        if not weights.is_file():
            raise ModelError(f"No model could be loaded from '{models}'; name another folder.")
        return cls(hashlib.sha256(weights.read_bytes()).hexdigest())

    def hear(self, audio) -> Evidence:
        waveform = audio if isinstance(audio, Waveform) else load_audio(audio)
        spectrum = np.abs(np.fft.rfft(waveform.samples))
        pitch = float(np.argmax(spectrum)) * waveform.sample_rate / len(waveform.samples)
        nearest = min(PITCHES, key=lambda known: abs(known - pitch))
        if nearest == SLOW_PITCH:
            SLOWLY.set()
            ENOUGH.wait(SLOW_SECS)
        return evidence("acoustic", *PITCHES[nearest])

    def read(self, text: str, *, confidence: float | None = None, context=()) -> Evidence:
        if not re.search(r"\w", text):
            raise TextError("The text has no words; give a sentence.")
        found = [value for word, value in WORDS.items() if word in text.lower()]
        read = evidence("text", *(found[0] if found else ("neutral", 0.8)))
        return read if confidence is None else replace(read, quality={"recogniser_confidence": confidence})

    def hear_many(self, audios) -> list:
        return one_by_one(self.hear, audios)

    def read_many(self, turns) -> list:
        return one_by_one(lambda turn: self.read(turn.text, confidence=turn.confidence, context=turn.context), turns)

    def analyze(self, audio=None, text=None, *, text_confidence=None, context=()) -> EmotionEstimate:
        heard = [self.hear(audio)] if audio is not None else []
        readable = text is not None and (audio is None or has_words(text))
        return self.fuse([*heard, *([self.read(text, confidence=text_confidence)] if readable else [])])

    def fuse(self, pieces) -> EmotionEstimate:
        return self.fusion.fuse([piece for piece in pieces if piece is not None])


def install(monkeypatch=None) -> None:
    """Let channels and components load this analyzer instead of the real one."""
    from rasa_emotion.turn import shared  # noqa: PLC0415 -- loads onnxruntime

    replace = monkeypatch.setattr if monkeypatch else setattr
    replace(shared, "EmotionAnalyzer", FakeAnalyzer)
    replace(shared, "_load", functools.cache(shared._load.__wrapped__))
