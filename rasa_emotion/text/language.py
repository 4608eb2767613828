"""Which language a text is in, where it is not English."""

from rasa_emotion.text.detector import language_of

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
