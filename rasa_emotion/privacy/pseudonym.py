"""What a log or an export may call a caller: nothing that leads back to a person. Errors are named by `place_of`."""

import hashlib
import secrets

# Of this process alone: ids are often phone numbers, few enough to try them all against a hash without a key.
_KEY = secrets.token_bytes(16)


def pseudonym(sender: str | None, *, digits: int = 8) -> str:
    """A caller's name in the logs: the same within one process, hexadecimal digits, not to be turned back.

    >>> pseudonym("+44 7700 900123") == pseudonym("+44 7700 900123") != pseudonym("+44 7700 900124")
    True
    """
    return hashlib.blake2s(str(sender).encode(errors="surrogatepass"), key=_KEY, digest_size=digits // 2).hexdigest()
