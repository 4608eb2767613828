"""Moonshine (extra `moonshine`): English, several times faster than Whisper, on the CPU."""

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.extras import pip_install
from rasa_emotion.voice.recognisers.interface import RecogniserError, Transcript, Word
from rasa_emotion.voice.recognisers.segments import SegmentRecogniser

INSTALL = f"install it with: {pip_install('moonshine')}"
SILENCE_SECS = 0.5
"""Of zeros around each turn: without them Moonshine carries the end of one caller's speech into the next one's."""


class MoonshineRecogniser(SegmentRecogniser):
    """Moonshine tiny, English. It does not say how sure it is.

    Args:
        model: a folder with another of Moonshine's models; None for the tiny one of its package.
        size: "tiny" or "base", what the folder holds.
    """

    name = "moonshine"

    def __init__(self, model: str | None = None, *, size: str = "tiny") -> None:
        super().__init__()
        self._model, self._size = model, size

    def load(self) -> "MoonshineEngine":
        """The shared model."""
        return _engine(self._model, self._size)


class MoonshineEngine:
    """Words of one model; see `segments.Engine`."""

    def __init__(self, transcriber: Any) -> None:
        self._transcriber = transcriber
        self._lock = Lock()  # its state lasts from one call to the next

    def recognise(self, samples: NDArray[np.float32]) -> Transcript:
        """The words, line by line."""
        silence = np.zeros(round(SILENCE_SECS * SAMPLE_RATE), np.float32)
        sound = np.concatenate([silence, samples, silence])
        with self._lock:
            lines = self._transcriber.transcribe_without_streaming(sound.tolist(), SAMPLE_RATE).lines
        said = [(line.text.strip(), line.start_time - SILENCE_SECS, line.duration) for line in lines]
        words = [word for text, start, secs in said if text for word in _spread(text, start, secs)]
        return Transcript(" ".join(text for text, _, _ in said if text), None, tuple(words), "en")


def _spread(text: str, start: float, secs: float) -> list[Word]:
    """Its words over the time of a line, by their letters: Moonshine tells no times of words."""
    words = text.split()
    letters = [len(word) + 1 for word in words]
    ends = np.cumsum(letters) / sum(letters) * secs
    return [
        Word(word, start + float(end - secs * count / sum(letters)), start + float(end))
        for word, end, count in zip(words, ends, letters, strict=True)
    ]


@lru_cache(maxsize=2)
def _engine(folder: str | None, size: str) -> MoonshineEngine:
    try:
        # Not `moonshine_voice` itself, some of whose names need PortAudio.
        from moonshine_voice.moonshine_api import ModelArch  # noqa: PLC0415 -- an optional package
        from moonshine_voice.transcriber import Transcriber  # noqa: PLC0415
        from moonshine_voice.utils import get_assets_path  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise RecogniserError(f"Moonshine needs moonshine-voice ({error}); {INSTALL}.") from error
    path = Path(folder) if folder is not None else Path(get_assets_path()) / "tiny-en"
    if size not in ("tiny", "base"):
        raise RecogniserError(f"Moonshine has no size '{size}'; choose tiny or base.")
    if not (path / "tokenizer.bin").is_file():
        raise RecogniserError(f"'{path}' holds no model of Moonshine's; {INSTALL}, or name a folder with one.")
    try:
        return MoonshineEngine(Transcriber(str(path), ModelArch[size.upper()]))
    except Exception as error:  # of its own library
        raise RecogniserError(f"Moonshine cannot be loaded from '{path}' ({error}); install it again.") from error
