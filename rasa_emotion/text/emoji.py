"""Emoji as words: a WordPiece vocabulary of books and encyclopaedias has none, and would read each as unknown."""

import re
import unicodedata

FIRST_PICTURE = 0x2600
"""Symbols below are letters' kin, such as the copyright and trade marks."""

MOUTHS = dict(zip(")]D(C[P*/\\|O", "🙂🙂😀🙁🙁🙁😛😘😕😕😐😮", strict=True))
"""The emoji of an emoticon, by its last sign."""

_EMOTICON = re.compile(r"(>?)[:;=]('?)[-^]?([)\]D(C\[P*/\\|O])\3*", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s.,!?~]*")


def spell_emoji(text: str) -> str:
    """The text with each emoji as its Unicode name; marks that only change how an emoji looks are left out.

    >>> spell_emoji("so late again😂")
    'so late again face with tears of joy '
    """
    return text if text.isascii() else "".join(map(_spelled, text))


def _spelled(character: str) -> str:
    if ord(character) < FIRST_PICTURE:
        return character
    name = unicodedata.name(character, "")
    if name.startswith(("EMOJI MODIFIER", "VARIATION SELECTOR", "REGIONAL INDICATOR")):
        return ""
    return f" {name.lower()} " if name and unicodedata.category(character) == "So" else character


def picture_emoticons(text: str) -> str:
    """A text of emoticons alone with an emoji for each; any other text as it is.

    Beside words, models have learned the signs as they stand; alone, they hold no word.

    >>> picture_emoticons(":-( :-("), picture_emoticons(">:("), picture_emoticons("see a) :)")
    ('🙁 🙁', '😡', 'see a) :)')
    """
    if _BETWEEN.fullmatch(_EMOTICON.sub("", text)):
        return _EMOTICON.sub(_pictured, text)
    return text


def _pictured(found: re.Match[str]) -> str:
    brow, tear, mouth = found.groups()
    plain = MOUTHS[mouth.upper()]
    if brow:
        return "😡"
    return {"🙁": "😢", "🙂": "😂", "😀": "😂"}.get(plain, plain) if tear else plain
