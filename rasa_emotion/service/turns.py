"""One request: its body read into turns, and their results as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from rasa_emotion.analyzer import WINDOW_SECS
from rasa_emotion.audio import SAMPLE_RATE, Waveform, decode_raw, is_silent
from rasa_emotion.audio.decode import as_wav, no_sound, stream_blocks
from rasa_emotion.audio.kinds import is_surely_a_file
from rasa_emotion.audio.own_formats import named_format
from rasa_emotion.audio.raw import RAW_ENCODINGS, from_base64
from rasa_emotion.errors import AudioError, ConfigError, RasaEmotionError, TextError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.protocol import Analyzer, Words
from rasa_emotion.service.limits import Limits
from rasa_emotion.turn.plain import check_count
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.wire import FLOATS, KINDS, OTHER, WIRE_VERSION

OPENAPI_FILE = "openapi.json"
FORM_AUDIO = ("format", "sample_rate", "channel")
"""Fields of a form that describe its file `audio`."""

RAW_RATE = 8000
"""Hz of samples without a header, where the request says nothing; the rate of telephones."""

Found = Evidence | RasaEmotionError | None


@dataclass(frozen=True)
class Body:
    """What came.

    Args:
        content: JSON; empty for a form of plain fields.
        parts: the parts of a form, by name.
    """

    content: bytes = b""
    parts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """What goes back, and what the metrics count of it.

    Args:
        status: of HTTP.
        body: JSON.
        turns: how many there were.
        estimates: of those that could be analysed.
    """

    status: int
    body: dict[str, Any]
    turns: int
    estimates: tuple[EmotionEstimate, ...] = ()


@cache
def openapi() -> dict[str, Any]:
    """The description of all routes."""
    text = resources.files("rasa_emotion.service").joinpath(OPENAPI_FILE).read_text(encoding="utf-8")
    described: dict[str, Any] = json.loads(text)
    return described


def answer(analyzer: Analyzer, body: Body, limits: Limits) -> Answered:
    """Analyse what a request brings.

    Raises:
        TurnRefused: the request as a whole cannot be taken. A turn that cannot be analysed has its own error in its
            place; the only turn of a request that is not a list is refused with 422.
    """
    request = _request(body)
    turns = request.get("turns")
    if turns is not None and len(turns) > limits.turns:
        raise TurnRefused(413, f"The request has {len(turns)} turns, more than the {limits.turns} allowed; send fewer.")
    found = _analysed(analyzer, [request] if turns is None else turns, body.parts, limits)
    head = {"version": WIRE_VERSION, "checksum": analyzer.capabilities.checksum}
    estimates = tuple(one for one, _ in found if isinstance(one, EmotionEstimate))
    if turns is not None:
        pieces = bool(request.get("pieces"))
        results = [_result(one, heard if pieces else None) for one, heard in found]
        return Answered(200, {**head, "results": results}, len(turns), estimates)
    ((one, _),) = found
    if isinstance(one, RasaEmotionError):
        return Answered(422, _result(one, None), 1)
    return Answered(200, {**head, **one.to_dict()}, 1, estimates)


def _result(one: EmotionEstimate | RasaEmotionError, heard: Sequence[Evidence] | None) -> dict[str, Any]:
    if isinstance(one, RasaEmotionError):
        kinds = (name for name, kind in KINDS.items() if isinstance(one, kind))
        return {"error": str(one), "kind": next(kinds, OTHER)}
    result: dict[str, Any] = {"estimate": one.to_dict()}
    return result if heard is None else {**result, "pieces": [piece.to_dict() for piece in heard]}


def _analysed(
    analyzer: Analyzer, turns: Sequence[Mapping[str, Any]], parts: Mapping[str, bytes], limits: Limits
) -> list[tuple[EmotionEstimate | RasaEmotionError, list[Evidence]]]:
    heard = _heard(analyzer, [turn.get("audio") for turn in turns], parts, limits)
    read = _read(analyzer, turns)
    return [
        _fused(analyzer, voice, words, "audio" in turn) for turn, voice, words in zip(turns, heard, read, strict=True)
    ]


def _fused(
    analyzer: Analyzer, voice: Found, words: Found, with_audio: bool
) -> tuple[EmotionEstimate | RasaEmotionError, list[Evidence]]:
    if isinstance(voice, RasaEmotionError):
        return voice, []
    if isinstance(words, RasaEmotionError):
        if not (with_audio and isinstance(words, TextError)):
            return words, []
        words = None  # a sigh that a recogniser wrote as "..." leaves the voice alone
    pieces = [piece for piece in (voice, words) if piece is not None]
    return analyzer.fuse(pieces), pieces


def _heard(
    analyzer: Analyzer, audios: Sequence[Mapping[str, Any] | None], parts: Mapping[str, bytes], limits: Limits
) -> list[Found]:
    found: list[Found] = [None] * len(audios)
    sounds: dict[int, tuple[Waveform | bytes, list[str]]] = {}
    for place, audio in enumerate(audios):
        if audio is None:
            continue
        try:
            sounds[place] = _decoded(audio, parts, limits)
        except (AudioError, ConfigError) as error:
            found[place] = error
    evidence = analyzer.hear_many([sound for sound, _ in sounds.values()])
    for (place, (_, notes)), one in zip(sounds.items(), evidence, strict=True):
        # What was cut off here is not cut off for the analyzer, which gets what is left.
        found[place] = replace(one, warnings=(*notes, *one.warnings)) if isinstance(one, Evidence) and notes else one
    return found


def _read(analyzer: Analyzer, turns: Sequence[Mapping[str, Any]]) -> list[Found]:
    found: list[Found] = [None] * len(turns)
    places = [place for place, turn in enumerate(turns) if "text" in turn]
    words = [
        Words(turns[place]["text"], turns[place].get("text_confidence"), turns[place].get("context", ()))
        for place in places
    ]
    for place, one in zip(places, analyzer.read_many(words), strict=True):
        found[place] = one
    return found


def _decoded(
    audio: Mapping[str, Any], parts: Mapping[str, bytes], limits: Limits
) -> tuple[Waveform | bytes, list[str]]:
    """The sound as an analyzer takes it, decoded only as far as is allowed; and what was missing of it."""
    content = _content(audio, parts)
    kind, rate, notes = audio.get("format"), int(audio.get("sample_rate", RAW_RATE)), list[str]()
    if kind == FLOATS:
        return _floats(content, rate, limits), notes
    headerless = isinstance(kind, str) and (kind in RAW_ENCODINGS or named_format(kind) is not None)
    if headerless and not is_surely_a_file(content):  # whatever it is called
        longest = limits.audio_secs + 1
        sound = decode_raw(
            content, encoding=str(kind), sample_rate=rate, channel=audio.get("channel"), max_secs=longest
        )
        _check_length(len(sound.samples), SAMPLE_RATE, limits)
        return sound, notes
    blocks, count = [], 0
    for block in stream_blocks(content, channel=audio.get("channel"), notes=notes):
        blocks.append(block)
        count += len(block)
        _check_length(count, SAMPLE_RATE, limits)
    sound = Waveform(np.concatenate(blocks))
    if is_silent(sound):
        raise no_sound(content, audio.get("channel"))
    # An analyzer hears a file in windows; a `Waveform` is one utterance.
    return (sound if sound.seconds <= WINDOW_SECS else as_wav(sound)), notes


def _floats(content: bytes, rate: int, limits: Limits) -> Waveform:
    samples = np.frombuffer(content[: len(content) // 4 * 4], dtype="<f4").astype(np.float32)
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise AudioError("The raw audio holds no samples, or some that are no numbers; send float32, little endian.")
    _check_length(len(samples), rate, limits)
    return Waveform(np.clip(samples, -1, 1), rate)


def _check_length(count: int, rate: int, limits: Limits) -> None:
    if count > limits.audio_secs * rate:
        raise AudioError(f"The audio is longer than {limits.audio_secs:g} s; send a shorter recording.")


def _content(audio: Mapping[str, Any], parts: Mapping[str, bytes]) -> bytes:
    if "part" in audio:
        if audio["part"] not in parts:
            raise TurnRefused(400, f"The form has no part '{audio['part']}', which 'audio.part' names; add it.")
        return parts[audio["part"]]
    try:
        return from_base64(audio["content"])
    except ValueError as error:
        raise AudioError("In 'audio.content': this is not base64; encode the bytes of the file.") from error


def _request(body: Body) -> dict[str, Any]:
    """The request as the schema describes it."""
    if body.content:
        request = _json("The request", body.content)
    elif "request" in body.parts:
        request = _json("The field 'request'", body.parts["request"])
    else:
        request = _of_form(body.parts)
    batch = isinstance(request, dict) and "turns" in request
    error = best_match(_validator("Batch" if batch else "Turn").iter_errors(request))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path) or "the request"
        raise TurnRefused(400, f"In '{place}': {_shortened(error.message)}; see /v1/openapi.json.")
    checked: dict[str, Any] = request
    return checked


def _of_form(parts: Mapping[str, bytes]) -> dict[str, Any]:
    """The one turn of a form, as curl sends it."""
    fields = {name: _text(name, content) for name, content in parts.items() if name != "audio" and content}
    for name in ("text_confidence", "sample_rate"):
        if name in fields:
            fields[name] = _json(f"The field '{name}'", parts[name])
    options = {name: fields.pop(name) for name in FORM_AUDIO if name in fields}
    return {**fields, "audio": {"part": "audio", **options}} if "audio" in parts else fields


def _text(name: str, content: bytes) -> Any:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TurnRefused(400, f"The field '{name}' is not UTF-8; encode it so.") from error


def _json(what: str, content: bytes) -> Any:
    check_count(content)
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise TurnRefused(400, f"{what} is not JSON; quote it as JSON does.") from error


def _no_number(name: str) -> None:
    raise ValueError(name)


@cache
def _validator(schema: str) -> Any:
    # Draft 7 is the newest that the jsonschema of Rasa 3.6.21 knows; what the schemas use means the same in it.
    return Draft7Validator({"$ref": f"#/components/schemas/{schema}", "components": openapi()["components"]})


def _shortened(message: str, limit: int = 160) -> str:
    # A message quotes the value, which may be a whole recording or a caller's words; it goes to the sender alone.
    return message if len(message) <= limit else f"{message[:40]} ... {message[-100:]}"


def models(analyzer: Analyzer, package: str) -> dict[str, Any]:
    """What `/v1/models` answers: capabilities, the fusion's constants, and the licence of each model."""
    return {
        "version": WIRE_VERSION,
        "package": package,
        "capabilities": asdict(analyzer.capabilities),
        "fusion": _fusion(analyzer),
        "models": [*_acoustic(analyzer), *_words(analyzer)],
    }


def _fusion(analyzer: Analyzer) -> dict[str, Any] | None:
    fusion = getattr(analyzer, "fusion", None)
    return None if fusion is None else asdict(fusion)


def _acoustic(analyzer: Analyzer) -> list[dict[str, Any]]:
    model = getattr(analyzer, "acoustic", None)
    if model is None:
        return []
    settings = model.settings
    return [
        {
            "name": model.name,
            "kind": "acoustic",
            "licence": settings.get("licence", ""),
            "commercial": bool(settings.get("commercial", False)),
            "checksum": model.checksum,
        }
    ]


def _words(analyzer: Analyzer) -> list[dict[str, Any]]:
    model = getattr(analyzer, "text", None)
    if model is None:
        return []
    folder = model.folder
    return [
        {
            "name": folder.name,
            "kind": "text",
            "licence": folder.licence,
            "commercial": folder.commercial,
            "checksum": folder.checksum,
        }
    ]
