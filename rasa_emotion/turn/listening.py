"""From the sound of one turn to the metadata that carries its evidence. No Rasa, no HTTP."""

import logging
from dataclasses import dataclass

from rasa_emotion.audio import SAMPLE_RATE, Waveform, decode_raw, is_silent, stream_windows
from rasa_emotion.audio.decode import no_sound
from rasa_emotion.errors import AudioError, place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.protocol import Analyzer
from rasa_emotion.turn.evidence import ChannelEvidence
from rasa_emotion.turn.message import Audio

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heard:
    """What a voice gave: its evidence, or one sentence why there is none."""

    evidence: ChannelEvidence | None = None
    warning: str | None = None


def listen(analyzer: Analyzer | None, audio: Audio | Waveform, *, max_secs: float = 30.0) -> Heard:
    """Analyse the first `max_secs` seconds of a voice; never raises.

    Args:
        analyzer: None when no models could be loaded.
        audio: as it came, or decoded.
        max_secs: what comes after is neither decoded nor analysed.
    """
    if analyzer is None:
        return Heard(warning="The emotion models are missing; the voice was not analysed.")
    try:
        waveform = _beginning(audio, max_secs)
        if is_silent(waveform):
            raise no_sound(audio.content if isinstance(audio, Audio) else b"")
        piece = analyzer.hear(waveform)
    except AudioError as error:
        logger.warning(
            "The voice of a turn was not analysed; the turn goes on with its words. %s",
            error,
            extra=named("turn.voice.skipped"),
        )
        return Heard(warning=str(error))
    except Exception as error:
        logger.error(
            "The voice of a turn could not be analysed (%s); it goes on.",
            place_of(error),
            extra=named("turn.voice.failed"),
        )
        trace(logger, "turn.voice.failed", error)
        return Heard(warning="The voice could not be analysed.")
    if piece is None:
        return Heard(warning="The acoustic model is missing; the voice was not analysed.")
    return Heard(evidence=ChannelEvidence.of([piece]))


def _beginning(audio: Audio | Waveform, max_secs: float) -> Waveform:
    if isinstance(audio, Waveform):
        return Waveform(audio.samples[: int(max_secs * SAMPLE_RATE)])
    if audio.encoding is not None:
        waveform = decode_raw(audio.content, encoding=audio.encoding, sample_rate=audio.sample_rate)
        return Waveform(waveform.samples[: int(max_secs * SAMPLE_RATE)])
    # The first window is decoded block by block and nothing behind it is read.
    return next(stream_windows(audio.content, window_secs=max_secs, hop_secs=max_secs))
