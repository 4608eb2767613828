"""One caller's turn out of an HTTP request's JSON or form, checked against the schema."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from rasa_emotion.audio.own_formats import named_format
from rasa_emotion.audio.raw import RAW_ENCODINGS, from_base64
from rasa_emotion.errors import ConfigError
from rasa_emotion.text.cleaning import has_words
from rasa_emotion.turn.message import DEFAULT_RAW_RATE, Audio, Turn, TurnRefused

SCHEMA_FILE = "request.schema.json"


@cache
def request_schema() -> dict[str, Any]:
    """The JSON Schema of the request."""
    text = resources.files("rasa_emotion.turn").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def from_json(body: Any, *, max_bytes: int) -> Turn:
    """A turn from a JSON body.

    Raises:
        TurnRefused: the body does not fit the schema, has neither words nor voice, or too much of the latter.
    """
    fault = _fault_of_audio(body)
    if fault is not None:
        return _turn(body, Audio(b"", fault=fault))
    audio = body.get("audio")
    return _turn(body, _decoded(audio, max_bytes, body.get("message")) if audio else None)


def from_form(fields: Mapping[str, str], content: bytes | None, *, max_bytes: int) -> Turn:
    """A turn from the fields of a form and the content of its file `audio`. Raises TurnRefused as `from_json` does."""
    if "audio" in fields:
        raise TurnRefused(400, "The field 'audio' is not a file; send it as a file part of the form.")
    body: dict[str, Any] = {key: value for key, value in fields.items() if value}
    options = {key: body.pop(key) for key in ("format", "sample_rate", "channel") if key in body}
    if "metadata" in body:
        body["metadata"] = _json_field("metadata", body["metadata"])
    if "sample_rate" in options:
        options["sample_rate"] = _rate(options["sample_rate"], body.get("message"))
    fault = _fault_of_audio({**body, "audio": {"content": "", **options}})
    if content is None:
        return _turn(body, None)
    if fault is not None:
        return _turn(body, Audio(b"", fault=fault))
    too_large = _too_large(len(content), max_bytes, body.get("message"))
    return _turn(body, too_large or _audio(content, options))


def _fault_of_audio(body: Any) -> str | None:
    """What the schema says against the recording of a turn that has words, which goes on with these.

    Raises:
        TurnRefused: it says something against anything else, or there are no words.
    """
    fault = _fault(body)
    if fault is None:
        return None
    words = body.get("message") if isinstance(body, dict) else None
    if not (isinstance(words, str) and has_words(words)):
        raise TurnRefused(400, fault)
    other = _fault({key: value for key, value in body.items() if key != "audio"})
    if other is not None:
        raise TurnRefused(400, other)
    return fault


def _fault(body: Any) -> str | None:
    error = best_match(Draft7Validator(request_schema()).iter_errors(body))
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path) or "the request"
    return f"In '{place}': {_shortened(error.message)}; see the channel's request schema."


def _rate(value: str, words: str | None) -> Any:
    """The form's sample rate; as it came where it is none, but there are words."""
    try:
        return _json_field("sample_rate", value)
    except TurnRefused:
        if has_words(words or ""):
            return value
        raise


def _turn(body: dict[str, Any], audio: Audio | None) -> Turn:
    return Turn(
        body.get("sender"), body.get("message") or "", audio, body.get("metadata") or {}, body.get("input_channel")
    )


def _decoded(audio: dict[str, Any], max_bytes: int, words: str | None) -> Audio:
    """The recording in a JSON body; one that is too large or no base64 costs no words. Raises TurnRefused."""
    text = audio["content"]
    too_large = _too_large(len(text) // 4 * 3, max_bytes, words)
    if too_large is not None:
        return too_large
    try:
        content = from_base64(text)
    except ValueError as error:
        fault = "In 'audio.content': this is not base64; encode the bytes of the file."
        if not has_words(words or ""):
            raise TurnRefused(400, fault) from error
        return Audio(b"", fault=fault)
    return _audio(content, audio)


def _audio(content: bytes, options: dict[str, Any]) -> Audio:
    named = str(options.get("format", "")).lower()
    try:
        headerless = named in RAW_ENCODINGS or named_format(named) is not None
    except ConfigError as error:  # a format of one's own that cannot be loaded costs no words
        return Audio(b"", fault=str(error))
    encoding = named if headerless else None
    # JSON does not tell 8000 from 8000.0.
    return Audio(content, encoding, int(options.get("sample_rate", DEFAULT_RAW_RATE)), options.get("channel"))


def _too_large(size: int, max_bytes: int, words: str | None) -> Audio | None:
    """In the place of a recording that is too large, where there are words to go on with. Raises TurnRefused."""
    if size <= max_bytes:
        return None
    fault = f"The audio has {size / 1e6:.1f} MB, more than the {max_bytes / 1e6:g} MB allowed; send a shorter one."
    if not has_words(words or ""):
        raise TurnRefused(413, fault)
    return Audio(b"", fault=fault)


def _json_field(key: str, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise TurnRefused(400, f"The field '{key}' is not JSON; quote it as JSON does.") from error


def _shortened(message: str, limit: int = 160) -> str:
    # A message quotes the value, which may be a whole recording.
    return message if len(message) <= limit else f"{message[:40]} ... {message[-100:]}"
