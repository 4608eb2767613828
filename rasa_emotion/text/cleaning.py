"""What of a text reaches the model, and how much of it the model can understand."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rasa_emotion.errors import TextError
from rasa_emotion.text.emoji import picture_emoticons, spell_emoji
from rasa_emotion.text.language import foreign_language

MAX_CHARS = 2000
"""Longer texts are cut here before anything else: far more than the model reads, so the cut costs nothing."""

FOREIGN, ENGLISH = 0.4, 0.8
"""Shares of words in the vocabulary: up to the first a text counts as another language, from the second as English.

Of GoEmotions' sentences of more than five words, 1 % are below 0.69; German, French and Spanish ones lie around 0.5.
"""

LANGUAGE_WORDS, LANGUAGE_SHARE = 3, 0.6
"""Fewer words tell too little about their language; with as many in the vocabulary it is English with names in it."""

UNKNOWN_WORDS = 4
"""Fewer different words are read even if the vocabulary holds none of them: few exclamations stand in dictionaries."""

STRAY_WORDS = 3
"""So many different words that the vocabulary lacks are read beside those it holds: names, slips, slang.

With 0 instead, 15 and not 5 of 2,755 chats (EmoContext dev) would count for less than half, and 25 and not 4 of
5,426 comments (GoEmotions dev); of 208 short turns in other languages (`tests/data/languages.tsv`) 189 are left out
either way.
"""

_STRETCHED = re.compile(r"([^\W\d_])\1\1")
"""A letter three times in a row, as in "sooo": spelling of no language that callers speak, but a cry in many."""

_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class TextQuality:
    """Measurements of one text.

    Args:
        words: how many words the model reads.
        different: how many of them differ; "no no no" has one.
        known_share: share of those that differ that its vocabulary holds whole, 0 to 1.
        latin_share: share of Latin ones among the letters, 0 to 1; 0 without letters.
        foreign_language: code of the language where it is not English; None for English or too few words to tell.
    """

    words: int
    different: int
    known_share: float
    latin_share: float
    foreign_language: str | None = None

    @property
    def unknown(self) -> int:
        """How many different words the vocabulary does not hold whole."""
        return round(self.different * (1 - self.known_share))

    @property
    def reliability(self) -> float:
        """0 for another language or script, numbers alone or a longer text of unknown words; 1 for ordinary English."""
        if self.foreign_language:
            return 0.0
        if self.different < UNKNOWN_WORDS or self.unknown <= STRAY_WORDS:
            return self.latin_share
        english = min(1.0, max(0.0, (self.known_share - FOREIGN) / (ENGLISH - FOREIGN)))
        return round(self.latin_share * english, 4)


def has_words(text: str, *, spelled: bool = False) -> bool:
    """Whether anything would be left of the text for the model to read; `spelled` is that of `clean`.

    >>> has_words("... \\u200b")
    False
    """
    return bool(_WORD.search(_visible(text, spelled=spelled)))


def clean(text: str, *, spelled: bool = False) -> str:
    """The text without invisible characters, with single spaces, cut at `MAX_CHARS`.

    >>> clean("not\\x00 at   all")
    'not at all'
    >>> clean("😂", spelled=True)
    'face with tears of joy'

    Args:
        text: what the caller said.
        spelled: with each emoji as its name, for a model that was trained on such.

    Raises:
        TextError: nothing is left that holds a word.
    """
    if not isinstance(text, str):
        raise TextError(f"The text is of type {type(text).__name__}; pass a string.")
    cleaned = _visible(text, spelled=spelled)
    if not _WORD.search(cleaned):
        raise TextError("The text holds no word; send what the caller said, or the audio alone.")
    return cleaned


def _visible(text: str, *, spelled: bool) -> str:
    # A lone surrogate, as broken JSON can hold, cannot be encoded and would make the tokenizer fail.
    readable = text[:MAX_CHARS].encode("utf-8", "ignore").decode("utf-8")
    if spelled:
        readable = spell_emoji(picture_emoticons(readable))[:MAX_CHARS]
    return " ".join(_INVISIBLE.sub("", readable).split())


def measure(text: str, tokens: Sequence[str], word_ids: Sequence[int | None]) -> TextQuality:
    """Quality of a cleaned text.

    Args:
        text: the cleaned text.
        tokens: its tokens, special ones included.
        word_ids: the number of the word that each token is part of; None for special tokens.
    """
    pieces: dict[int, list[str]] = {}
    for token, word in zip(tokens, word_ids, strict=True):
        if word is not None:
            pieces.setdefault(word, []).append(token)
    words = [tuple(parts) for parts in pieces.values() if parts[0] == "[UNK]" or parts[0].isalnum()]
    different = set(words)
    known = sum(1 for parts in different if _is_known(parts))
    known_share = round(known / len(different), 4) if different else 0.0
    letters = [character for character in text if character.isalpha()]
    latin = sum(1 for character in letters if _is_latin(character))
    doubtful = len(different) >= LANGUAGE_WORDS and known_share < LANGUAGE_SHARE
    return TextQuality(
        words=len(words),
        different=len(different),
        known_share=known_share,
        latin_share=round(latin / len(letters), 4) if letters else 0.0,
        foreign_language=foreign_language(text) if doubtful else None,
    )


def _is_known(parts: tuple[str, ...]) -> bool:
    """Whether the pieces of a word are one, or those of a stretched word, which no vocabulary holds."""
    if parts[0] == "[UNK]":
        return False
    return len(parts) == 1 or _STRETCHED.search("".join(part.removeprefix("##") for part in parts)) is not None


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")
