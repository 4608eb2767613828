"""What travels between a service and the analyzer that asks it: turns on the way there, evidence on the way back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.audio.waveform import Waveform
from rasa_emotion.errors import AudioError, ChannelError, RasaEmotionError, TextError
from rasa_emotion.estimate import Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.protocol import AudioSource, Capabilities, Words

WIRE_VERSION = 1
"""Of what is sent and answered; a service of another one is not asked."""

FLOATS = "f32le"
"""Format of raw audio: mono float32, little endian, which loses nothing of a `Waveform`."""

KINDS = {"channel": ChannelError, "audio": AudioError, "text": TextError}
"""Errors of one turn, by the name that travels."""

OTHER = "other"

MOST_TURNS = 16
MOST_BYTES = 8_000_000
"""Of one request; more are sent one after another."""

MOST_CHARACTERS = 10_000
MOST_CONTEXT = 16
"""Of one turn's words and of the turns before it; text models read far less."""

Found = Evidence | RasaEmotionError | None


@dataclass(frozen=True)
class Described:
    """What a service says of itself."""

    capabilities: Capabilities
    fusion: Fusion | None


@dataclass(frozen=True)
class SentTurn:
    """One turn as it is sent: its JSON, and the sound beside it."""

    body: dict[str, Any]
    sound: bytes | None = None


def in_memory(audio: AudioSource) -> bytes | Waveform | AudioError:
    """The bytes of a recording, read once: what stands in for the service must hear them as well."""
    if isinstance(audio, bytes | Waveform):
        return audio
    try:
        if isinstance(audio, str | Path):
            return Path(audio).read_bytes()
        audio.seek(0)
        return audio.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return AudioError(f"The audio '{audio}' cannot be read ({reason}); check the path.")


def spoken(audio: bytes | Waveform) -> SentTurn:
    """A turn of sound alone; samples travel as they are."""
    if isinstance(audio, bytes):
        return SentTurn({"audio": {}}, audio)
    options = {"format": FLOATS, "sample_rate": audio.sample_rate}
    return SentTurn({"audio": options}, np.ascontiguousarray(audio.samples, dtype="<f4").tobytes())


def written(words: Words) -> SentTurn:
    """A turn of words alone, no longer than a model reads."""
    context = [text[:MOST_CHARACTERS] for text in words.context][-MOST_CONTEXT:]
    confidence = None if words.confidence is None else float(words.confidence)
    return SentTurn(
        {
            "text": words.text[:MOST_CHARACTERS],
            "text_confidence": confidence,
            **({"context": context} if context else {}),
        }
    )


def batches(turns: Sequence[SentTurn]) -> Iterator[list[SentTurn]]:
    """Runs of turns that one request can hold."""
    batch: list[SentTurn] = []
    size = 0
    for turn in turns:
        length = len(turn.sound or b"")
        if batch and (len(batch) == MOST_TURNS or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(turn)
        size += length
    if batch:
        yield batch


def result_of(one: Any) -> dict[str, Any] | RasaEmotionError:
    """The service's answer for one turn, or the error that it names. Raises KeyError or ValueError for other forms."""
    if "error" in one:
        return KINDS.get(one.get("kind"), RasaEmotionError)(str(one["error"]))
    # Read here: what is no evidence is an answer of another form.
    return {"estimate": one["estimate"], "pieces": [Evidence.from_dict(piece) for piece in one["pieces"]]}


def piece_of(modality: str, result: dict[str, Any] | RasaEmotionError) -> Found:
    """The evidence of one modality in a result."""
    if isinstance(result, RasaEmotionError):
        return result
    return next((piece for piece in result["pieces"] if piece.modality == modality), None)


def error_of(turn: SentTurn, sentence: str) -> RasaEmotionError:
    """What a turn that was refused as a whole says."""
    return TextError(sentence) if turn.sound is None else AudioError(sentence)


def described(answer: dict[str, Any]) -> Described:
    """What `/v1/models` answers, read. Raises KeyError, TypeError or ValueError for other forms."""
    told = answer["capabilities"]
    capabilities = Capabilities(
        told["acoustic"],
        told["text"],
        str(told["checksum"]),
        str(told["text_checksum"]),
        int(told["context_turns"]),
        tuple(map(str, told["languages"])),
    )
    return Described(capabilities, None if answer["fusion"] is None else Fusion(**answer["fusion"]))
