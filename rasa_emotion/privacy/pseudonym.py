"""What a log may call a caller: nothing that leads back to a person. Errors go there by `errors.place_of`."""

import hashlib
import secrets

# Of this process alone: ids are often phone numbers, few enough to try them all against a hash without a key.
_KEY = secrets.token_bytes(16)


def pseudonym(sender: str | None) -> str:
    """A caller's name in the logs: the same within one process, 8 hexadecimal digits, not to be turned back.

    >>> pseudonym("+44 7700 900123") == pseudonym("+44 7700 900123") != pseudonym("+44 7700 900124")
    True
    """
    return hashlib.blake2s(str(sender).encode(errors="surrogatepass"), key=_KEY, digest_size=4).hexdigest()
