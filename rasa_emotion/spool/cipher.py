"""The key with which a spool is encrypted: Fernet of `cryptography`, AES-128 with an authentication code."""

import os
from pathlib import Path

from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.spool.file import OTHERS, SpoolError


class Cipher:
    """Encrypts records with the first key of a file and reads what any key of it has encrypted."""

    def __init__(self, path: Path) -> None:
        """Reads the file, a key a line.

        Raises:
            ConfigError: it is missing, others can read it, it holds no key, or `cryptography` is not installed.
        """
        with needs_extra("encryption", "An encrypted spool"):
            from cryptography.fernet import Fernet, InvalidToken, MultiFernet  # noqa: PLC0415
        try:
            mode = path.stat().st_mode
            lines = path.read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The key file '{path}' of the spool cannot be read ({type(error).__name__}); restore it, or make one "
                f"with: rasa-emotion handoff new-key '{path}'"
            ) from error
        if mode & OTHERS:
            raise ConfigError(f"The key file '{path}' can be read by others than its owner; run: chmod 600 '{path}'")
        try:
            self._keys = MultiFernet([Fernet(line) for line in lines])
        except ValueError as error:
            raise ConfigError(f"The key file '{path}' holds no key of Fernet; restore it.") from error
        self._invalid = InvalidToken

    def encrypt(self, record: bytes) -> bytes:
        return bytes(self._keys.encrypt(record))

    def decrypt(self, token: bytes) -> bytes:
        """Raises SpoolError where none of the keys fits."""
        try:
            return bytes(self._keys.decrypt(token))
        except self._invalid as error:
            raise SpoolError("It was encrypted with another key.") from error


def write_new_key(path: Path) -> None:
    """Make a key file that only its owner can read. Raises ConfigError where there is a file already."""
    with needs_extra("encryption", "A key"):
        from cryptography.fernet import Fernet  # noqa: PLC0415
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"The key file '{path}' cannot be made ({error.strerror}); name another.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
