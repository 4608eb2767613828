"""What an extra of the package brings, and what is said where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from rasa_emotion.errors import ConfigError


class MissingExtraError(ConfigError, ImportError):
    """A package is not installed; the message names the extra that brings it."""


@contextmanager
def needs_extra(extra: str, what: str, *, otherwise: str = "") -> Iterator[None]:
    """Around imports: one that fails becomes an error for people.

    Args:
        extra: what brings the package, as pip names it.
        what: what is to be done with it; begins the sentence, such as "A report".
        otherwise: another remedy, which ends the sentence, such as "or leave --plots out".

    Raises:
        MissingExtraError: a package is not installed.

    >>> with needs_extra("evaluate", "A report"):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    rasa_emotion.extras.MissingExtraError: A report needs no_such_package, which is not installed: pip install \
'rasa-emotion[evaluate]'.
    """
    try:
        yield
    except ImportError as error:
        missing = (error.name or str(error)).partition(".")[0]
        if isinstance(error, MissingExtraError) or missing == "rasa_emotion":
            raise
        raise MissingExtraError(f"{missing_sentence(what, missing, extra)}{otherwise and ', ' + otherwise}.") from error


def missing_sentence(what: str, package: str, extra: str) -> str:
    """The sentence, without its full stop."""
    return f"{what} needs {package}, which is not installed: {pip_install(extra)}"


def pip_install(extra: str) -> str:
    """The command, for errors of a kind of their own.

    >>> pip_install("speech")
    "pip install 'rasa-emotion[speech]'"
    """
    return f"pip install 'rasa-emotion[{extra}]'"
