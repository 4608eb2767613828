"""What a browser sends: fields, and a recording of bounded size that becomes a nameless temporary file."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, BinaryIO, cast

from aiohttp import BodyPartReader, web

from rasa_emotion.turn.refusal import TurnRefused

MOST_BYTES = 64 * 1024 * 1024
"""Of a recording: ten minutes of 16-bit stereo at 24 kHz, and hours of anything compressed."""

MOST_FIELD_BYTES = 32 * 1024
FIELDS = frozenset({"text", "channel", "start", "end", "model"})

TOO_LARGE = f"The recording is larger than {MOST_BYTES // 1024 // 1024} MB; send a shorter or a compressed one."


@dataclass
class Upload:
    """What was sent; leaving its context deletes the recording.

    Args:
        fields: by name, as text.
        sound: the recording; None where there was none.
    """

    fields: Mapping[str, str]
    sound: BinaryIO | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Upload":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self._stack.close()

    def secs(self, name: str) -> float | None:
        """A field as seconds, 0 or more; None where it is empty. Raises TurnRefused for what is no number."""
        text = self.fields.get(name, "").strip()
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e6:
            raise TurnRefused(422, f"'{name}' is no number of seconds; give one such as 2.5, or leave it empty.")
        return value


async def take(request: web.Request, *, most_bytes: int = MOST_BYTES) -> Upload:
    """Read a form of the fields `FIELDS` and the file `sound`.

    Raises:
        TurnRefused: it is too large (413), which is known before anything is read where the browser says the size;
            or it is no such form (415, 422).
    """
    if (request.content_length or 0) > most_bytes + MOST_FIELD_BYTES * len(FIELDS):
        raise TurnRefused(413, TOO_LARGE)
    if not request.content_type.startswith("multipart/"):
        raise TurnRefused(415, "Send a form with the recording in the field 'sound'.")
    fields: dict[str, str] = {}
    with ExitStack() as stack:
        sound: BinaryIO | None = None
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or (part.name not in FIELDS and part.name != "sound"):
                    raise TurnRefused(422, "The form has a field that the workbench does not know.")
                if part.name == "sound":
                    file = stack.enter_context(tempfile.TemporaryFile())
                    sound = await _received(part, file, most_bytes)
                else:
                    fields[str(part.name)] = await _text(part)
        except (ValueError, AssertionError) as error:
            raise TurnRefused(422, "The form is damaged; send it again.") from error
        return Upload(fields, sound, stack.pop_all())


async def _received(part: BodyPartReader, file: IO[bytes], most: int) -> BinaryIO | None:
    count = 0
    while chunk := await part.read_chunk(256 * 1024):
        count += len(chunk)
        if count > most:
            raise TurnRefused(413, TOO_LARGE)
        file.write(chunk)
    file.seek(0)
    return cast(BinaryIO, file) if count else None


async def _text(part: BodyPartReader) -> str:
    data = b""
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > MOST_FIELD_BYTES:
            raise TurnRefused(413, f"'{part.name}' is longer than {MOST_FIELD_BYTES // 1024} kB; shorten it.")
    return data.decode("utf-8", errors="replace")
