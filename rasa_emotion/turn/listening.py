"""From the sound of one turn to the metadata that carries its evidence. No Rasa, no HTTP."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform, decode_raw, highpass, is_silent
from rasa_emotion.audio.decode import no_sound, stream_blocks
from rasa_emotion.audio.kinds import HEAD, is_surely_a_file
from rasa_emotion.errors import AudioError, place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.protocol import Analyzer
from rasa_emotion.turn.evidence import ChannelEvidence
from rasa_emotion.turn.message import Audio

logger = logging.getLogger(__name__)

QUIET = 0.005
"""Peak (-46 dB of full scale) below which a second at the beginning of a recording is silence."""

MOST_SILENCE = 10
"""Times the limit, so long is a recording searched for its first sound."""


@dataclass(frozen=True)
class Heard:
    """What a voice gave: its evidence, and one sentence where there is none, or where it rests on a part."""

    evidence: ChannelEvidence | None = None
    warning: str | None = None


def listen(analyzer: Analyzer | None, audio: Audio | Waveform, *, max_secs: float = 30.0) -> Heard:
    """Analyse the first `max_secs` seconds of a voice, silence before it not counted; never raises.

    Args:
        analyzer: None when no models could be loaded.
        audio: as it came, or decoded.
        max_secs: what comes after is neither decoded nor analysed, and the warning says so.
    """
    if analyzer is None:
        return Heard(warning="The emotion models are missing; the voice was not analysed.")
    try:
        notes: list[str] = []
        waveform = _beginning(audio, max_secs, notes)
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
    piece = replace(piece, warnings=tuple(notes))
    return Heard(evidence=ChannelEvidence.of([piece]), warning=" ".join(notes) or None)


def _beginning(audio: Audio | Waveform, max_secs: float, notes: list[str]) -> Waveform:
    """The part that is analysed; `notes` gets a sentence for whatever was missing or left out."""
    if isinstance(audio, Audio) and audio.fault is not None:
        raise AudioError(audio.fault)
    longest = max_secs * (1 + MOST_SILENCE)
    if isinstance(audio, Waveform):
        blocks: Iterator[NDArray[np.float32]] = iter([audio.samples])
    elif audio.encoding is not None and not is_surely_a_file(audio.content[:HEAD]):
        raw = decode_raw(
            audio.content,
            encoding=audio.encoding,
            sample_rate=audio.sample_rate,
            channel=audio.channel,
            max_secs=longest,
        )
        blocks = iter([raw.samples])
    else:
        blocks = stream_blocks(audio.content, channel=audio.channel, notes=notes)
    return _without_leading_silence(blocks, round(max_secs * SAMPLE_RATE), round(longest * SAMPLE_RATE), notes)


def _without_leading_silence(
    blocks: Iterator[NDArray[np.float32]], most: int, longest: int, notes: list[str]
) -> Waveform:
    """At most `most` samples from the second on in which there is sound, of the first `longest`."""
    held, skipped = np.zeros(0, np.float32), 0
    second = SAMPLE_RATE
    started = False
    for block in blocks:
        held = np.concatenate([held, block])
        while not started and len(held) >= 2 * second:
            if np.abs(highpass(Waveform(held[:second])).samples).max() >= QUIET:
                started = True
            else:
                held, skipped = held[second:], skipped + second
        if len(held) > most or skipped > longest:
            break
    if len(held) > most:
        notes.append(f"Only {most / SAMPLE_RATE:g} s of the recording were analysed; the rest was left out.")
    return Waveform(held[:most])
