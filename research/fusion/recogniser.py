"""Sentences as a speech recogniser would print them: a simulation, for lack of free speech to recognise.

The voices of the corpora say two fixed sentences, so no recogniser can be run on free words here. Errors are drawn word
by word at a stated rate instead: most are other words of similar spelling, the rest are left out or put in between, in
about the proportions that are usual for recognisers of telephone speech. Punctuation and capitals go too.
"""

import difflib
import functools
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rasa_emotion.text.cleaning import has_words
from rasa_emotion.training.text.data import spoken

ERROR_RATES = (0.0, 0.1, 0.2, 0.4)
SUBSTITUTED, LEFT_OUT = 0.6, 0.25
"""Shares of the errors; the rest are words too many."""

FREQUENT = 2000
SIMILAR = 4
BLUR = 1.0
"""Deviation of the recogniser's confidence from the share of right words, in log-odds: it does not know its errors."""


@dataclass(frozen=True)
class Misheard:
    """What a recogniser prints, and how sure it says that it is, 0 to 1."""

    text: str
    confidence: float


def vocabulary(texts: Sequence[str]) -> tuple[str, ...]:
    """The most frequent words of the texts, without numbers."""
    counts = Counter(word for text in texts for word in spoken(text).split() if word.isalpha())
    return tuple(word for word, _ in counts.most_common(FREQUENT))


def recognised(text: str, rate: float, known: tuple[str, ...]) -> Misheard:
    """A sentence with about `rate` errors per word; the same sentence and rate always give the same ones.

    Args:
        text: the sentence as it was written.
        rate: the expected word error rate, 0 to 1.
        known: the words that a recogniser may print instead.

    >>> recognised("Well, that's GREAT!", 0.0, ("grate",)).text
    "well that's great"
    """
    rng = np.random.default_rng(zlib.crc32(f"{rate} {text}".encode()))
    right, printed = 0, []
    words = spoken(text).split() or text.split()
    for word in words:
        drawn, kind = rng.random(2)
        if drawn >= rate:
            right += 1
            printed.append(word)
        elif kind < SUBSTITUTED:
            printed.append(str(rng.choice(similar(word, known))))
        elif kind >= SUBSTITUTED + LEFT_OUT:
            printed += [word, str(rng.choice(known))]
    share = np.clip(right / len(words), 0.02, 0.98)
    odds = np.log(share / (1 - share)) + BLUR * rng.standard_normal()
    said = " ".join(printed)
    if not has_words(said):  # all was left out, but for an apostrophe perhaps
        said = next(filter(has_words, words), words[0])
    return Misheard(said, round(float(1 / (1 + np.exp(-odds))), 4))


@functools.cache
def similar(word: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Other words of the most similar spelling; any known word where none is."""
    found = difflib.get_close_matches(word, known, n=SIMILAR + 1, cutoff=0.5)
    return tuple(other for other in found if other != word)[:SIMILAR] or known
