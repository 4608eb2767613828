"""Which language a text is in, where it is not English: Chromium's compact language detector, CLD2."""

import re

import pycld2

_SPOKEN = re.compile(r"(?!tlh|zz)[a-z]{2,3}(-[A-Z][a-z]*)?$")
"""Codes of languages, without CLD2's invented ones (Klingon, those that begin with zz) and its scripts (xx-Latn)."""

READ = frozenset({"en", "sco", "un"})
"""CLD2's codes that keep a text: English, Scots, which it takes exclamations of English speakers for, and undecided."""


def foreign_language(text: str) -> str | None:
    """The code of a text's language (ISO 639 where it has one), None for English and where the detector cannot say.

    Short English exclamations are often taken for another language, and a word or two says little: ask only about
    texts of some words of which a good part is no English.

    >>> foreign_language("Ich warte seit einer Stunde auf eine Antwort")
    'de'
    >>> foreign_language("I have been waiting for an answer for an hour") is None
    True
    """
    try:
        # "best effort" answers on short texts too, where it otherwise abstains.
        code = str(pycld2.detect(text, bestEffort=True)[2][0][1])
    except pycld2.error:  # characters that it refuses: the text is then read as before
        return None
    return None if code in READ or not _SPOKEN.match(code) else code
