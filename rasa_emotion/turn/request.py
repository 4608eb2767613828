"""One caller's turn out of an HTTP request's JSON or form, checked against the schema."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, get_args

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from rasa_emotion.audio.raw import RawEncoding
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.text.cleaning import has_words
from rasa_emotion.turn.evidence import drop_reserved

SCHEMA_FILE = "request.schema.json"
DEFAULT_RAW_RATE = 8000


class RequestError(RasaEmotionError):
    """The request cannot be answered: the HTTP status and one sentence for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Audio:
    """Sound as it came.

    Args:
        content: bytes of a sound file, or headerless samples.
        encoding: "pcm_s16le" or "mulaw" when headerless, else None.
        sample_rate: Hz of headerless samples.
    """

    content: bytes = field(repr=False)
    encoding: RawEncoding | None = None
    sample_rate: int = DEFAULT_RAW_RATE


@dataclass(frozen=True)
class TurnRequest:
    """A checked request with a `message`, `audio` or both; beside audio, the message holds a word or is empty."""

    sender: str | None
    message: str
    audio: Audio | None
    metadata: dict[str, Any]
    input_channel: str | None


@cache
def request_schema() -> dict[str, Any]:
    """The JSON Schema of the request."""
    text = resources.files("rasa_emotion.turn").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def from_json(body: Any, *, max_bytes: int) -> TurnRequest:
    """A turn from a JSON body.

    Raises:
        RequestError: the body does not fit the schema, has neither words nor voice, or too much of the latter.
    """
    _check_schema(body)
    audio = body.get("audio")
    return _turn(body, _decoded(audio, max_bytes) if audio else None)


def from_form(fields: Mapping[str, str], content: bytes | None, *, max_bytes: int) -> TurnRequest:
    """A turn from the fields of a form and the content of its file `audio`. Raises RequestError as `from_json` does."""
    if "audio" in fields:
        raise RequestError(400, "The field 'audio' is not a file; send it as a file part of the form.")
    body: dict[str, Any] = {key: value for key, value in fields.items() if value}
    options = {key: body.pop(key) for key in ("format", "sample_rate") if key in body}
    for holder, key in ((body, "metadata"), (options, "sample_rate")):
        if key in holder:
            holder[key] = _json_field(key, holder[key])
    _check_schema({**body, "audio": {"content": "", **options}})
    if content is None:
        return _turn(body, None)
    _check_size(len(content), max_bytes)
    return _turn(body, _audio(content, options))


def _check_schema(body: Any) -> None:
    error = best_match(Draft7Validator(request_schema()).iter_errors(body))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path) or "the request"
        raise RequestError(400, f"In '{place}': {_shortened(error.message)}; see the channel's request schema.")


def _turn(body: dict[str, Any], audio: Audio | None) -> TurnRequest:
    message = (body.get("message") or "").strip()
    if not message and audio is None:
        raise RequestError(400, "The request has neither 'message' nor 'audio'; send at least one of them.")
    if audio is not None and not has_words(message):
        message = ""  # what a recogniser makes of a sigh, such as "...", is not to be guessed an intent of
    metadata = dict(body.get("metadata") or {})
    drop_reserved(metadata)
    _check_storable(metadata)
    return TurnRequest(body.get("sender"), message, audio, metadata, body.get("input_channel"))


def _decoded(audio: dict[str, Any], max_bytes: int) -> Audio:
    text = audio["content"]
    _check_size(len(text) // 4 * 3, max_bytes)
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, "In 'audio.content': this is not base64; encode the bytes of the file.") from error
    return _audio(content, audio)


def _audio(content: bytes, options: dict[str, Any]) -> Audio:
    named = options.get("format")
    encoding = next((raw for raw in get_args(RawEncoding) if raw == named), None)
    return Audio(content, encoding, options.get("sample_rate", DEFAULT_RAW_RATE))


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise RequestError(
            413, f"The audio has {size / 1e6:.1f} MB, more than the {max_bytes / 1e6:g} MB allowed; send a shorter one."
        )


def _json_field(key: str, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The field '{key}' is not JSON; quote it as JSON does.") from error


def _check_storable(metadata: dict[str, Any]) -> None:
    # Parsers let NaN and 1e999 pass, but no tracker store or client that reads JSON strictly takes them.
    try:
        json.dumps(metadata, allow_nan=False)
    except ValueError as error:
        raise RequestError(400, "In 'metadata': NaN and Infinity are no numbers in JSON; leave them out.") from error
    except RecursionError as error:
        raise RequestError(400, "In 'metadata': it is nested too deeply; send a flatter object.") from error


def _shortened(message: str, limit: int = 160) -> str:
    # A message quotes the value, which may be a whole recording.
    return message if len(message) <= limit else f"{message[:40]} ... {message[-100:]}"
