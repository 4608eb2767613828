"""Emoji as words: a WordPiece vocabulary of books and encyclopaedias has none, and would read each as unknown."""

import unicodedata

FIRST_PICTURE = 0x2600
"""Symbols below are letters' kin, such as the copyright and trade marks."""


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
