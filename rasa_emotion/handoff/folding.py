"""Reads a text as it was meant: digits of any script, digits that were spelled, signs that were dictated."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

Span = tuple[int, int]

_WORDS = {
    **{"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"},
    **{"six": "6", "seven": "7", "eight": "8", "nine": "9"},
    **{"null": "0", "eins": "1", "zwei": "2", "zwo": "2", "drei": "3", "vier": "4"},
    **{"fünf": "5", "sechs": "6", "sieben": "7", "acht": "8", "neun": "9"},
}
"""Digits as they are spelled, in English and German."""

DIGIT_WORD = "|".join(_WORDS)

_TIMES = {"double": 2, "doppel": 2, "triple": 3, "treble": 3}
_DIGIT = rf"(?:{DIGIT_WORD}|oh|o|\d)"
_SPELLED = re.compile(rf"(?<!\w)(?:(double|triple|treble)\s{{1,3}})?({_DIGIT})(?!\w)", re.IGNORECASE)

# What is said between groups of digits, and stands for nothing.
_FILLER = re.compile(
    r"(?<=\d)[\s,]{1,3}(?:(?:then|uh|um|er|dash|minus|hyphen|space|slash|bindestrich|strich|dann)[\s,]{1,3}){1,2}(?=\d)",
    re.IGNORECASE,
)
_JOINED = re.compile(
    r"(?<=\d{4})[\s,]{1,3}(?:and|und)(?:\s(?:then|the last 4|the last four))?[\s,]{1,3}(?=\d{4}(?!\d))", re.IGNORECASE
)
"""Between groups of four, as those of a card; other numbers that an "and" joins are two."""
_PLUS = re.compile(r"(?<!\w)plus\s{1,3}(?=\d)", re.IGNORECASE)
_LOOKALIKE = {"O": "0", "o": "0", "l": "1", "I": "1"}
_MIXED = re.compile(r"(?<![A-Za-z0-9])[\dOolI]{2,20}(?![A-Za-z])")
_OTHER_SIGNS = re.compile(r"(?<=\d)[\s<>()\[\]{}|\\*+~=:;…_·]{1,5}(?=\d)")
"""Signs that nobody puts into a number on purpose, and that do not keep its groups apart."""


@dataclass(frozen=True)
class Folded:
    """A text in which numbers are digits, and where each part of it was.

    Args:
        text: the folded text.
        starts: where each piece of it begins.
        origins: where that piece stood, beginning and end.
    """

    text: str
    starts: tuple[int, ...]
    origins: tuple[Span, ...]

    def origin(self, start: int, end: int) -> Span:
        """The place of a part of the folded text in the original."""
        first, last = bisect_right(self.starts, start) - 1, bisect_right(self.starts, end - 1) - 1
        return self._place(first, start, 0), self._place(last, end - 1, 1)

    def _place(self, piece: int, place: int, more: int) -> int:
        begin, stop = self.origins[piece]
        size = (self.starts[piece + 1] if piece + 1 < len(self.starts) else len(self.text)) - self.starts[piece]
        if stop - begin == size:  # as it was, sign by sign
            return begin + place - self.starts[piece] + more
        return stop if more else begin


def plain(text: str) -> str:
    """The text with digits and signs of other scripts and widths as those of ASCII, sign by sign.

    >>> plain("＋４４ ٧٧")
    '+44 77'
    """
    return text if text.isascii() else "".join(map(_plain, text))


def _plain(sign: str) -> str:
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if "\uff01" <= sign <= "\uff5e":  # full-width forms of ASCII
        return chr(ord(sign) - 0xFEE0)
    return sign


def fold(text: str) -> Folded:
    """A plain text with its numbers in digits.

    >>> fold("plus four four, double oh O7O").text
    '+4 4, 00 070'
    """
    folded = Folded(text, (0,), ((0, len(text)),))
    for pattern, replace in _STEPS:
        folded = _replaced(folded, pattern, replace)
    return folded


def _replaced(folded: Folded, pattern: "re.Pattern[str]", replace: Callable[["re.Match[str]"], str]) -> Folded:
    parts: list[str] = []
    origins: list[Span] = []
    done = 0
    for match in pattern.finditer(folded.text):
        new = replace(match)
        if new == match[0]:
            continue
        _keep(folded, done, match.start(), parts, origins)
        parts.append(new)
        origins.append(folded.origin(*match.span()))
        done = match.end()
    if not parts:
        return folded
    _keep(folded, done, len(folded.text), parts, origins)
    starts, place = [], 0
    for part in parts:
        starts.append(place)
        place += len(part)
    return Folded("".join(parts), tuple(starts), tuple(origins))


def _keep(folded: Folded, start: int, end: int, parts: list[str], origins: list[Span]) -> None:
    """Take over what is not replaced, piece by piece."""
    while start < end:
        piece = bisect_right(folded.starts, start) - 1
        following = folded.starts[piece + 1] if piece + 1 < len(folded.starts) else len(folded.text)
        stop = min(end, following)
        parts.append(folded.text[start:stop])
        origins.append(folded.origin(start, stop))
        start = stop


def _spelled(match: "re.Match[str]") -> str:
    word = match[2].lower()
    digit = _WORDS.get(word, "0" if word in ("oh", "o") else word)
    return digit * _TIMES.get((match[1] or "").lower(), 1)


def _number_of(match: "re.Match[str]") -> str:
    """A group of digits in which letters were taken for digits; a word is left."""
    group = match[0]
    digits = sum(sign.isdigit() for sign in group)
    looks = digits >= 1 or set(group) <= {"O"}
    return "".join(_LOOKALIKE.get(sign, sign) for sign in group) if looks else group


_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_SPELLED, _spelled),
    (_MIXED, _number_of),
    (_PLUS, lambda _: "+"),
    (_FILLER, lambda _: " "),
    (_JOINED, lambda _: " "),
    (_OTHER_SIGNS, lambda match: "  " if "\n" in match[0] else " "),
)
