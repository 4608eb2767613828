"""From the evidence of windows to that of a turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rasa_emotion.audio.speech import SpeechEvent
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.emotions import as_array, as_probabilities
from rasa_emotion.errors import ModelError, RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.protocol import Analyzer
from rasa_emotion.streaming.events import Update, Utterance, Window

SPEECH = "speech_secs"
NOT_HEARD = "The acoustic model is missing; the voice was not analysed."

SWITCHED_OFF = ModelError("The analysis of this caller is switched off; the voice was not analysed.")
"""Stands for what was found in windows of a caller who said no: the evidence of the turn before it counts no more."""

Found = Evidence | RasaEmotionError | None
"""What `Analyzer.hear_many` gives for one item."""


class TurnHearing:
    """The evidence of the turns that have not ended. One per call.

    Args:
        analyzer: fuses.
    """

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._turns: dict[int, _Heard] = {}

    def note(self, window: Window, found: Found) -> Update | None:
        """Keep what was found in a window; an update where it was for one and something was found."""
        heard = self._turns.setdefault(window.turn, _Heard())
        if found is SWITCHED_OFF:
            heard.kept.clear()
        if window.last:
            heard.last, heard.alone = found, not window.kept
            return None
        if not isinstance(found, Evidence):
            return None
        if window.kept:
            heard.kept.append(found)
            heard.window_secs = len(window.samples) / SAMPLE_RATE
        return Update(window.turn, window.at_secs, found, self._analyzer.fuse([found]))

    def utterance(self, end: SpeechEvent) -> Utterance:
        """The turn as a whole, once the window that closes it was noted."""
        heard = self._turns.pop(end.turn, _Heard())
        evidence, warning = heard.evidence(end.at_secs - end.start_secs), None
        if evidence is None:
            warning = str(heard.last) if isinstance(heard.last, RasaEmotionError) else NOT_HEARD
        estimate = self._analyzer.fuse([evidence]) if evidence else EmotionEstimate.unknown()
        return Utterance(
            end.turn, end.start_secs, end.at_secs, end.decided_secs, end.reason, evidence, estimate, warning
        )


@dataclass
class _Heard:
    """Of one turn: windows that count for all of it, and the last one, which may be the whole turn alone."""

    kept: list[Evidence] = field(default_factory=list)
    last: Found = None
    alone: bool = True
    window_secs: float = 1.0

    def evidence(self, secs: float) -> Evidence | None:
        """Of a turn that took so long."""
        if self.alone and isinstance(self.last, Evidence):
            return self.last
        windows = [*self.kept, *([self.last] if isinstance(self.last, Evidence) else [])]
        if not windows:
            return None
        found = merged(windows)
        # Windows overlap and hold part of the turn each, so their speech is a share of them, not a sum.
        speech = min(secs, found.quality.get(SPEECH, 0.0) / self.window_secs * secs)
        return replace(found, quality={**found.quality, SPEECH: round(speech, 2)})


def merged(windows: Sequence[Evidence]) -> Evidence:
    """One evidence of the windows of a turn: the mean of their logits, weighted by the speech in each.

    That is how an acoustic model hears a long recording. A softmax of mean logits is the product of the probabilities
    to the power of their weights, normalised, so that the logits need not be known.

    >>> one = Evidence("acoustic", {"angry": 0.5, "sad": 0.5})
    >>> merged([one, one]).probabilities["sad"]
    0.5
    """
    if len(windows) == 1:
        return windows[0]
    seconds = np.array([window.quality.get(SPEECH, 1.0) for window in windows])
    weights = seconds / seconds.sum() if seconds.sum() > 0 else np.full(len(windows), 1 / len(windows))
    logs = np.log(np.maximum(np.stack([as_array(window.probabilities) for window in windows]), 1e-12))
    powers = np.exp(weights @ logs)
    quality = {
        name: round(float(weights @ np.array([window.quality[name] for window in windows])), 2)
        for name in windows[0].quality
        if all(name in window.quality for window in windows)
    }
    confused = [window.confused for window in windows]
    known = [value for value in confused if value is not None]
    return Evidence(
        modality=windows[0].modality,
        probabilities=as_probabilities(powers / powers.sum()),
        reliability=round(float(weights @ np.array([window.reliability for window in windows])), 4),
        model=windows[0].model,
        quality=quality,
        confused=round(float(weights @ np.array(known)), 6) if len(known) == len(confused) else None,
    )
