"""From the sound of one turn to the metadata that carries its evidence. No Rasa, no HTTP."""

import logging
from dataclasses import dataclass

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio import SAMPLE_RATE, Waveform, decode_raw, is_silent, stream_windows
from rasa_emotion.audio.decode import no_sound
from rasa_emotion.audio.raw import RawEncoding
from rasa_emotion.errors import AudioError, place_of
from rasa_emotion.turn.evidence import ChannelEvidence

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heard:
    """What a voice gave: its evidence, or one sentence why there is none."""

    evidence: ChannelEvidence | None = None
    warning: str | None = None


def listen(
    analyzer: EmotionAnalyzer | None,
    content: bytes,
    *,
    encoding: RawEncoding | None = None,
    sample_rate: int = 8000,
    max_secs: float = 30.0,
) -> Heard:
    """Analyse the first `max_secs` seconds of a voice; never raises.

    Args:
        analyzer: None when no models could be loaded.
        content: bytes of a sound file, or headerless samples when `encoding` says so.
        encoding: "pcm_s16le" or "mulaw".
        sample_rate: Hz of headerless samples.
        max_secs: what comes after is neither decoded nor analysed.
    """
    if analyzer is None:
        return Heard(warning="The emotion models are missing; the voice was not analysed.")
    try:
        waveform = _beginning(content, encoding, sample_rate, max_secs)
        if is_silent(waveform):
            raise no_sound(content)
        piece = analyzer.hear(waveform)
    except AudioError as error:
        logger.warning("The voice of a turn was not analysed; the turn goes on with its words. %s", error)
        return Heard(warning=str(error))
    except Exception as error:
        logger.error("The voice of a turn could not be analysed (%s); it goes on.", place_of(error))
        return Heard(warning="The voice could not be analysed.")
    if piece is None:
        return Heard(warning="The acoustic model is missing; the voice was not analysed.")
    return Heard(evidence=ChannelEvidence.of([piece]))


def _beginning(content: bytes, encoding: RawEncoding | None, sample_rate: int, max_secs: float) -> Waveform:
    if encoding is not None:
        waveform = decode_raw(content, encoding=encoding, sample_rate=sample_rate)
        return Waveform(waveform.samples[: int(max_secs * SAMPLE_RATE)])
    # The first window is decoded block by block and nothing behind it is read.
    return next(stream_windows(content, window_secs=max_secs, hop_secs=max_secs))
