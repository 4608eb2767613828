"""What a log may say of a caller and of an error: nothing that leads back to a person."""

import hashlib
import secrets
import traceback
from pathlib import Path

# Of this process alone: ids are often phone numbers, few enough to try them all against a hash without a key.
_KEY = secrets.token_bytes(16)


def pseudonym(sender: str | None) -> str:
    """A caller's name in the logs: the same within one process, 8 hexadecimal digits, not to be turned back.

    >>> pseudonym("+44 7700 900123") == pseudonym("+44 7700 900123") != pseudonym("+44 7700 900124")
    True
    """
    return hashlib.blake2s(str(sender).encode(errors="surrogatepass"), key=_KEY, digest_size=4).hexdigest()


def place_of(error: BaseException) -> str:
    """Kind and place of an error; its message is left out, for it may quote what the caller said.

    >>> place_of(ValueError("my number is 07700 900123"))
    'ValueError'
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return ", ".join([type(error).__name__, *places[-3:][::-1]])
