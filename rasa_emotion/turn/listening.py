"""From the sound of one turn to the metadata that carries its evidence. No Rasa, no HTTP."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform, decode_raw, highpass, is_silent, speech_mask
from rasa_emotion.audio.activity import FRAME_SECS, SILENCE_PEAK
from rasa_emotion.audio.decode import no_sound, stream_blocks
from rasa_emotion.audio.kinds import is_surely_a_file
from rasa_emotion.errors import AudioError, ConfigError, place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.protocol import Analyzer
from rasa_emotion.turn.evidence import ChannelEvidence
from rasa_emotion.turn.message import Audio

logger = logging.getLogger(__name__)

PIECE_SECS = 4.0
"""A voice is looked for in pieces of this length, where a recording is longer than the limit."""

PIECE = round(PIECE_SECS * SAMPLE_RATE)

LEAD_SECS = 0.5
"""Of what comes before the first voice are kept."""

MOST_BEFORE = 10
"""Times the limit, so long is a recording searched for its first voice."""


@dataclass(frozen=True)
class Heard:
    """What a voice gave: its evidence, and one sentence where there is none, or where it rests on a part."""

    evidence: ChannelEvidence | None = None
    warning: str | None = None


def listen(analyzer: Analyzer | None, audio: Audio | Waveform, *, max_secs: float = 30.0) -> Heard:
    """Analyse the first `max_secs` seconds from the first voice on; never raises.

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
            raise no_sound(b"", audio.channel if isinstance(audio, Audio) else None)
        piece = analyzer.hear(waveform)
    except (AudioError, ConfigError) as error:
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
    longest = max_secs * (1 + MOST_BEFORE)
    if isinstance(audio, Waveform):
        blocks: Iterator[NDArray[np.float32]] = iter([audio.samples])
    elif audio.encoding is not None and not is_surely_a_file(audio.content):
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
    return _from_first_voice(blocks, round(max_secs * SAMPLE_RATE), round(longest * SAMPLE_RATE), notes)


def _from_first_voice(blocks: Iterator[NDArray[np.float32]], most: int, longest: int, notes: list[str]) -> Waveform:
    """At most `most` samples of the first `longest`.

    Where there are more, silence, ringing and music before the first voice are left out; without a voice, silence is.
    """
    held: list[NDArray[np.float32]] = []
    count, looked = 0, 0
    start: int | None = None
    for piece in _pieces(blocks):
        held.append(piece)
        count += len(piece)
        while count > most and start is None and looked < len(held):
            start = _voice_onset(held[looked], looked * PIECE)
            looked += 1
        if count > longest or (start is not None and count - start > most):
            break
    sound = np.concatenate([*held, np.zeros(0, np.float32)])
    if start is None:
        start = int(np.argmax(np.abs(sound) >= SILENCE_PEAK)) if count > most else 0
    if count - start > most:
        notes.append(f"Only {most / SAMPLE_RATE:g} s of the recording were analysed; the rest was left out.")
    return Waveform(sound[start : start + most])


def _pieces(blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """The same samples in arrays of `PIECE`; the last one may be shorter."""
    held, count = [], 0
    for block in blocks:
        held.append(block)
        count += len(block)
        if count >= PIECE:
            joined, full = np.concatenate(held), count // PIECE * PIECE
            yield from (joined[at : at + PIECE] for at in range(0, full, PIECE))
            held, count = [joined[full:]], count - full
    if count:
        yield np.concatenate(held)


def _voice_onset(piece: NDArray[np.float32], begins: int) -> int | None:
    """Where to begin to hear the first voice of a piece, counted as `begins` is; None where there is none."""
    spoken = np.flatnonzero(speech_mask(highpass(Waveform(piece))))
    if len(spoken) == 0:
        return None
    return max(0, begins + round((float(spoken[0]) * FRAME_SECS - LEAD_SECS) * SAMPLE_RATE))
