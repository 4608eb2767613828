"""The language of a text by a library: Chromium's CLD2, or langid.py where there is no wheel of CLD2 (Python 3.14).

CLD2 abstains by itself. langid.py always names a language; its answer counts where it is at least `MARGIN` more likely
than English. benchmarks/languages.py compares the two.
"""

import logging
from functools import lru_cache
from types import ModuleType
from typing import Any

from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

UNDECIDED = "un"

_NO_LANGUAGE = "zxx"
"""langid.py's code of a text without words."""

MARGIN = 15.0
"""Difference of log-likelihoods; of 0, 2, 5, 10, 15 and 20 the least with fewer errors than CLD2 on English texts to
train with."""

FEW_WORDS, SURE = 3, 480.0
"""Of so few words CLD2's answer counts from this score on.

English exclamations that it takes for another language ("yuck ick bleurgh") had 240 to 440, three words of 30 languages
at least 489.
"""

try:
    import pycld2
except ImportError:
    pycld2: ModuleType | None = None  # type: ignore[no-redef]


def language_of(text: str) -> str:
    """The code of the most likely language, "en" for English and "un" where it cannot be told.

    Both libraries name languages by ISO 639-1; CLD2 has some codes of its own besides.

    >>> language_of("Ich warte seit einer Stunde auf eine Antwort")
    'de'
    """
    return by_langid(text) if pycld2 is None else by_cld2(text)


def by_cld2(text: str) -> str:
    """CLD2's answer, in some hundredths of a millisecond."""
    try:
        # "best effort" answers on short texts too, where it otherwise abstains.
        _, code, _, score = pycld2.detect(text, bestEffort=True)[2][0]
    except pycld2.error:  # characters that it refuses
        return UNDECIDED
    return UNDECIDED if score < SURE and len(text.split()) <= FEW_WORDS else str(code)


def by_langid(text: str) -> str:
    """langid.py's answer, in some tenths of a millisecond."""
    identifier = _langid()
    if identifier is None:
        return UNDECIDED
    ranked = identifier.rank(text)
    code, likelihood = ranked[0]
    if code == "en":
        return "en"
    return UNDECIDED if code == _NO_LANGUAGE or likelihood - dict(ranked)["en"] < MARGIN else str(code)


@lru_cache(1)
def _langid() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 -- loads for a second, CLD2 is first
    except ImportError as error:
        logger.warning(
            "No language detector can be imported (%s), every text is read as English; install pycld2.",
            error,
            extra=named("text.detector.missing"),
        )
        return None
    return LanguageIdentifier.from_model_file(MODEL_FILE)
