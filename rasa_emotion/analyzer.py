"""The facade: audio and words of one turn in, one estimate out."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.audio import SAMPLE_RATE, Waveform, stream_windows
from rasa_emotion.emotions import as_array, as_probabilities
from rasa_emotion.errors import AudioError, ModelError, RasaEmotionError, TextError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.fusion import Fusion, fusion_for
from rasa_emotion.fusion.trust import RECOGNISER, SNR
from rasa_emotion.logs import named
from rasa_emotion.model_folder import REINSTALL, model_path, require_models, shipped_models
from rasa_emotion.protocol import AudioSource, Capabilities, Words
from rasa_emotion.streaming import EmotionStream, StreamSettings
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.adaptation import adapt
from rasa_emotion.text.adapter import Adapter
from rasa_emotion.text.cleaning import has_words

logger = logging.getLogger(__name__)

WINDOW_SECS = 10.0
"""Longer audio is heard in windows of this length, whose evidence is averaged."""

MANY_WINDOWS = 3
"""Of more, a warning says that one emotion for all of them says little."""

Loaded = TypeVar("Loaded")


class EmotionAnalyzer:
    """Hears, reads and fuses. Safe to share between threads.

    >>> analyzer = EmotionAnalyzer.load()
    >>> analyzer.analyze(text="Thank you so much, you made my day!").emotion
    'happy'
    """

    def __init__(self, acoustic: AcousticClassifier | None, text: TextClassifier | None, fusion: Fusion | None) -> None:
        self.acoustic = acoustic
        self.text = text
        self.fusion = fusion or Fusion({"acoustic": 0.5, "text": 0.5}, 1.0, 0.0, {})

    @classmethod
    def load(
        cls,
        models: str | Path | None = None,
        *,
        acoustic: str = "acoustic",
        text: str = "text",
        fusion: str | None = None,
        allow_missing: bool = False,
    ) -> "EmotionAnalyzer":
        """Load the models that ship, or those of another folder.

        Args:
            models: a folder with one folder per model (the shipped ones by default), or one model's own folder, such
                as `rasa-emotion train` writes, beside which the other shipped models serve.
            acoustic: name of the acoustic model's folder; "acoustic-emogator" is the one that companies may use.
            text: name of the text model's folder.
            fusion: name of the folder with the fusion's constants; those fitted for `acoustic` by default.
            allow_missing: go on with what is there, with one log line for each model that cannot be loaded.

        Raises:
            ModelError: a folder is missing or altered; with `allow_missing` only when neither voice nor words can be
                analysed.
        """

        require_models(models)

        def attempt(load: Callable[[Path], Loaded], kind: str, name: str) -> Loaded | None:
            try:
                return load(model_path(models, kind, name))
            except ModelError as error:
                if not allow_missing:
                    raise
                logger.warning("%s", error, extra=named("model.missing"))
                return None

        analyzer = cls(
            attempt(AcousticClassifier.load, "acoustic", acoustic),
            attempt(TextClassifier.load, "text", text),
            attempt(Fusion.load, "fusion", fusion or fusion_for(acoustic)),
        )
        if analyzer.acoustic is None and analyzer.text is None:
            folder = models or shipped_models()
            raise ModelError(
                f"No model could be loaded from '{folder}'; reinstall rasa-emotion or name another folder."
            )
        return analyzer

    @classmethod
    def of_words(
        cls, models: str | Path | None = None, *, text: str = "text", fusion: str = "fusion"
    ) -> "EmotionAnalyzer":
        """The text model alone, which reads and does not hear. Raises ModelError as `load` does."""
        require_models(models)
        read = TextClassifier.load(model_path(models, "text", text))
        return cls(None, read, Fusion.load(model_path(models, "fusion", fusion)))

    @property
    def checksum(self) -> str:
        """Changes whenever any model file does."""
        parts = [part.checksum if part else "" for part in (self.acoustic, self.text, self.fusion)]
        return hashlib.sha256("/".join(parts).encode()).hexdigest()

    @property
    def capabilities(self) -> Capabilities:
        """What it is made of (see `protocol.Analyzer`)."""
        text = self.text
        return Capabilities(
            acoustic=self.acoustic.name if self.acoustic else None,
            text=text.folder.name if text else None,
            checksum=self.checksum,
            text_checksum=text.checksum if text else "",
            context_turns=text.context_turns if text else 0,
            languages=text.languages if text else (),
        )

    def adapted(self, examples: Sequence[tuple[str, str]]) -> "EmotionAnalyzer":
        """An analyzer whose text model has learned from a handful of sentences; this one stays as it is.

        Needs scikit-learn, which comes with Rasa. Keep what was learned with `rasa_emotion.text.adaptation.adapt` and
        `Adapter.save`.

        Args:
            examples: (text, emotion) pairs, four or more, better eight of each emotion.

        Raises:
            ConfigError: an emotion is not among the eight, a text holds no word, or there are too few examples.
            ModelError: there is no text model.
        """
        if self.text is None:
            raise ModelError(f"There is no text model that could learn from examples; {REINSTALL}.")
        return self.with_adapter(adapt(self.text, examples))

    def with_adapter(self, adapter: Adapter) -> "EmotionAnalyzer":
        """An analyzer whose text model was changed by examples; the others are shared with this one."""
        return EmotionAnalyzer(self.acoustic, self.text and self.text.adapted(adapter), self.fusion)

    def analyze(
        self,
        audio: AudioSource | None = None,
        text: str | None = None,
        *,
        text_confidence: float | None = None,
        context: Sequence[str] = (),
        channel: str | None = None,
    ) -> EmotionEstimate:
        """Estimate the emotion of one turn from its audio, its words, or both.

        Args:
            audio: a path, the bytes of a sound file, an open binary file or a 16 kHz `Waveform`.
            text: the words. Without any words beside audio, the voice alone decides.
            text_confidence: 0 to 1, how sure the speech recogniser is of the words; None for words that were typed.
            context: the caller's earlier turns, oldest first; only a text model trained with such reads them.
            channel: of a stereo recording, "left", "right" or "mix"; by default the one with the voice.

        Raises:
            AudioError: the audio cannot be decoded or holds no sound.
            ChannelError: it holds another voice on each channel, and `channel` does not say which is to be heard.
            ConfigError: there is no such channel.
            TextError: there is no audio, and the text has no words; or the confidence is none.
        """
        evidence = []
        if audio is not None:
            evidence.append(self.hear(audio, channel=channel))
        if text is not None and (audio is None or self.has_words(text)):
            evidence.append(self.read(text, confidence=text_confidence, context=context))
        return self.fuse(piece for piece in evidence if piece is not None)

    def stream(
        self,
        *,
        encoding: str = "pcm_s16le",
        sample_rate: int = SAMPLE_RATE,
        settings: StreamSettings | None = None,
    ) -> EmotionStream:
        """Hear a call while it goes on; see docs/streaming.md. Each call takes a stream of its own.

        Args:
            encoding: of the frames: "pcm_s16le", "pcm_s16be", "mulaw" or "alaw".
            sample_rate: Hz of the frames, 4,000 to 192,000.
            settings: how the call is heard.

        Raises:
            AudioError: the encoding or rate cannot be used.

        Example: `for event in analyzer.stream(encoding="mulaw", sample_rate=8000).feed(frame): print(event)`
        """
        return EmotionStream(self, encoding=encoding, sample_rate=sample_rate, settings=settings)

    def has_words(self, text: str) -> bool:
        """Whether there is anything in the text for the text model to read."""
        return has_words(text) if self.text is None else self.text.has_words(text)

    def hear(self, audio: AudioSource, *, channel: str | None = None) -> Evidence | None:
        """Evidence of the voice, `channel` as in `analyze`; None without an acoustic model. Raises AudioError."""
        if self.acoustic is None:
            return None
        notes: list[str] = []
        windows = [audio] if isinstance(audio, Waveform) else _windows(audio, notes, channel)
        return _merge([self.acoustic.classify(window) for window in windows], notes)

    def read(self, text: str, *, confidence: float | None = None, context: Sequence[str] = ()) -> Evidence | None:
        """Evidence of the words; None without a text model.

        Args:
            text: the words.
            confidence: 0 to 1, how sure the speech recogniser is of them; it travels in the evidence's `quality`.
            context: the caller's earlier turns, oldest first; only a text model trained with such reads them.

        Raises:
            TextError: the text holds no word, or the confidence is not between 0 and 1.
        """
        found = None if self.text is None else self.text.classify(text, context)
        with_confidence = _with_confidence(found, confidence)
        if isinstance(with_confidence, RasaEmotionError):
            raise with_confidence
        return with_confidence

    def hear_many(self, audios: Sequence[AudioSource]) -> list[Evidence | RasaEmotionError | None]:
        """What `hear` finds in each (see `protocol.Analyzer`): all windows of all of them go to the model at once."""
        if self.acoustic is None:
            return [None] * len(audios)
        parts: list[list[Waveform] | RasaEmotionError] = []
        notes: list[list[str]] = [[] for _ in audios]
        for audio, told in zip(audios, notes, strict=True):
            try:
                parts.append([audio] if isinstance(audio, Waveform) else list(_windows(audio, told)))
            except AudioError as error:
                parts.append(error)
        windows = [window for part in parts if not isinstance(part, RasaEmotionError) for window in part]
        heard = iter(self.acoustic.classify_many(windows))
        return [
            part if isinstance(part, RasaEmotionError) else _merge([next(heard) for _ in part], told)
            for part, told in zip(parts, notes, strict=True)
        ]

    def read_many(self, turns: Sequence[Words]) -> list[Evidence | RasaEmotionError | None]:
        """What `read` finds in each (see `protocol.Analyzer`)."""
        if self.text is None:
            return [None] * len(turns)
        found = self.text.classify_many([(turn.text, turn.context) for turn in turns])
        return [_with_confidence(one, turn.confidence) for one, turn in zip(found, turns, strict=True)]

    def fuse(self, evidence: Iterable[Evidence | None]) -> EmotionEstimate:
        """One estimate from what was heard and read."""
        return self.fusion.fuse(piece for piece in evidence if piece is not None)


def _with_confidence(
    found: Evidence | RasaEmotionError | None, confidence: float | None
) -> Evidence | RasaEmotionError | None:
    if confidence is not None and not 0 <= confidence <= 1:
        return TextError(f"A confidence in the words of {confidence} is not between 0 and 1; leave it out.")
    if not isinstance(found, Evidence) or confidence is None:
        return found
    return replace(found, quality={**found.quality, RECOGNISER: round(float(confidence), 4)})


def _windows(audio: str | Path | bytes | BinaryIO, notes: list[str], channel: str | None = None) -> Iterator[Waveform]:
    """Side by side, since each is heard as a whole; only the last one may overlap the one before."""
    return stream_windows(audio, window_secs=WINDOW_SECS, hop_secs=WINDOW_SECS, channel=channel, notes=notes)


def _merge(windows: list[Evidence], notes: Sequence[str] = ()) -> Evidence:
    """`merged`, with a warning where one emotion for all windows says little; `notes` become its warnings."""
    if len(windows) > MANY_WINDOWS:
        secs = (len(windows) - 1) * WINDOW_SECS
        said = f"One emotion stands for more than {secs:g} s; rasa-emotion analyze --timeline shows how it changes."
        notes = [*notes, said]
    return replace(merged(windows), warnings=tuple(notes))


def merged(windows: Sequence[Evidence]) -> Evidence:
    """The mean evidence of one or more windows of a voice, weighted by the speech in each."""
    if len(windows) == 1:
        return windows[0]
    seconds = np.array([window.quality.get("speech_secs", 1.0) for window in windows])
    weights: NDArray[np.float64] = (
        seconds / seconds.sum() if seconds.sum() > 0 else np.full(len(windows), 1 / len(windows))
    )
    probabilities = weights @ np.stack([as_array(window.probabilities) for window in windows])
    noise = _mean([window.quality.get(SNR) for window in windows], weights)
    return Evidence(
        modality=windows[0].modality,
        probabilities=as_probabilities(probabilities),
        reliability=round(float(weights @ np.array([window.reliability for window in windows])), 6),
        model=windows[0].model,
        quality={"speech_secs": round(float(seconds.sum()), 3), **({} if noise is None else {SNR: noise})},
        confused=_mean([window.confused for window in windows], weights),
    )


def _mean(values: list[float | None], weights: NDArray[np.float64]) -> float | None:
    """The weighted mean; None unless each is known."""
    known = [value for value in values if value is not None]
    return round(float(weights @ np.array(known)), 6) if len(known) == len(values) else None
