"""Which language a text is in, where it is not English, and which one a bot speaks."""

import re
from collections.abc import Iterable
from typing import Any

from rasa_emotion.text.detector import language_of

ENGLISH = "en"

LEAST_WORDS = 12
"""With fewer words in all of a bot's replies, their language is not guessed."""

_NO_WORDS = re.compile(r"\{[^{}]*\}|https?://\S+")

_CODES = (
    "am ar az be bg bn bs ca co cs da de el es et eu fa fi fr gl gu he hi hr ht hu hy id is it iw ja ka kk km kn ko lo "
    "lt lv mk ml mn mr ms mt my nb ne nl nn no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur vi zh"
)

LIKELY = frozenset(_CODES.split())
"""Languages that callers are likely to speak, in the codes of both libraries; close kin of some stand for these.

Of the other hundred that it tells apart, a short English exclamation often resembles one: Khasi, Waray or Latin.
"""


def foreign_language(text: str) -> str | None:
    """The code of a text's language (ISO 639), None for English, for an unlikely language and where it cannot be told.

    Short English exclamations are often taken for another language, and a word or two says little: ask only about
    texts of some words of which a good part is no English.

    >>> foreign_language("Ich warte seit einer Stunde auf eine Antwort")
    'de'
    >>> foreign_language("I have been waiting for an answer for an hour") is None
    True
    """
    code = language_of(text)
    likely = code.partition("-")[0] in LIKELY  # "zh-Hant" is written in another script, not spoken otherwise
    return code if likely else None


def bot_language(configured: Any, texts: Iterable[str]) -> str:
    """The language that a bot speaks: what its configuration says, unless that is English and its replies are not.

    Args:
        configured: the key `language` of config.yml.
        texts: its replies.

    >>> bot_language("de_core_news_sm", []), bot_language(None, ["Hello."])
    ('de', 'en')
    """
    named = re.split(r"[-_]", str(configured or ENGLISH).lower(), maxsplit=1)[0]
    return named if named != ENGLISH else replies_language(texts) or ENGLISH


def replies_language(texts: Iterable[str]) -> str | None:
    """The language of some replies of a bot; None where they have too few words to tell.

    >>> replies_language(["Hello."]) is None
    True
    """
    said = _NO_WORDS.sub(" ", " ".join(texts))
    return foreign_language(said) or ENGLISH if len(said.split()) >= LEAST_WORDS else None
