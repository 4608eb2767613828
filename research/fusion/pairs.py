"""Clips paired with sentences of their own part."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.fusion.product import UNIFORM
from rasa_emotion.fusion.trust import LEAST, RELIABILITY, TRUST
from research.fusion.material import CLEAN, SEED, Floats, Ints, Material

PAIRS_PER_CLIP = 2
ABSENT = -1
"""In place of a condition: this pair lacks the voice, or the words."""

ANY = -2
"""In place of a condition: undisturbed in half of the pairs, else drawn from the others, for each modality."""


@dataclass(frozen=True)
class Pairs:
    """Pairs as row numbers of the material, shape [pairs] each.

    Args:
        voices, words: the material.
        clips, sentences: items of it.
        heard, read: the condition of each, or ABSENT.
    """

    voices: Material
    words: Material
    clips: Ints
    sentences: Ints
    heard: Ints
    read: Ints

    @property
    def labels(self) -> Ints:
        """The voice's emotion, or the words' where there is no voice."""
        read, heard = self.words.labels[self.sentences], self.voices.labels[self.clips]
        found: Ints = np.where(self.heard == ABSENT, read, heard)
        return found

    @property
    def parts(self) -> Ints:
        parts: Ints = self.voices.parts[self.clips]
        return parts

    @property
    def speakers(self) -> list[str]:
        return list(self.voices.groups[self.clips])

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether there is a voice, and words: shape [2, pairs]."""
        there: NDArray[np.bool_] = np.stack([self.heard, self.read]) != ABSENT
        return there

    @property
    def probabilities(self) -> Floats:
        """Of voice and words, shape [2, pairs, 8]; uniform where one is absent."""
        both: Floats = np.stack(
            [self.voices.probabilities[self.heard, self.clips], self.words.probabilities[self.read, self.sentences]]
        )
        both[~self.present] = UNIFORM
        return both

    @property
    def shares(self) -> dict[str, Floats]:
        """Each of `TRUST`'s measurements as `fusion.trust.share` gives it, shape [pairs]."""
        found = {}
        for name, quantity in TRUST.items():
            material, condition, items = (
                (self.voices, self.heard, self.clips)
                if quantity.modality == "acoustic"
                else (self.words, self.read, self.sentences)
            )
            if quantity.name == RELIABILITY:
                found[name] = material.reliability[condition, items]
            else:
                found[name] = np.clip(material.measured[condition, items] / quantity.full, LEAST, 1)
        return found

    def where(self, mask: NDArray[np.bool_]) -> "Pairs":
        rows = (self.clips, self.sentences, self.heard, self.read)
        return Pairs(self.voices, self.words, *(row[mask] for row in rows))

    def under(self, *, heard: int = CLEAN, read: int = CLEAN) -> "Pairs":
        """The same clips and sentences in one condition, ABSENT, or ANY."""
        rng = np.random.default_rng(SEED + 1)
        return replace(
            self,
            heard=_drawn(heard, len(self.clips), len(self.voices.conditions), rng),
            read=_drawn(read, len(self.clips), len(self.words.conditions), rng),
        )

    def with_gaps(self, share: float) -> "Pairs":
        """The same pairs, of which a share lacks the voice and as many others the words."""
        drawn = np.random.default_rng(SEED + 2).random(len(self.clips))
        return replace(
            self,
            heard=np.where(drawn < share, ABSENT, self.heard),
            read=np.where(drawn >= 1 - share, ABSENT, self.read),
        )


def pair(voices: Material, words: Material, *, neutral_share: float) -> Pairs:
    """Pair each clip with sentences of its own part and emotion, both undisturbed.

    Args:
        voices, words: what was heard and read.
        neutral_share: share of the pairs whose words are neutral whatever the voice says.
    """
    neutral = EMOTIONS.index("neutral")
    drawn = np.random.default_rng(SEED + 3)

    def fits(label: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = words.labels == (neutral if drawn.random() < neutral_share else label)
        return found

    return _paired(voices, words, np.arange(len(voices.labels)), fits)


def opposed(voices: Material, words: Material, heard: frozenset[str], said: frozenset[str]) -> Pairs:
    """Voices of some emotions with words of others, as often as the sentences have them."""
    clips = np.flatnonzero(np.isin(voices.labels, [EMOTIONS.index(emotion) for emotion in heard]))
    fitting = np.isin(words.labels, [EMOTIONS.index(emotion) for emotion in said])
    return _paired(voices, words, clips, lambda _: fitting)


def _paired(voices: Material, words: Material, clips: Ints, fits: Callable[[int], NDArray[np.bool_]]) -> Pairs:
    rng = np.random.default_rng(SEED)
    rows = []
    for clip in np.repeat(clips, PAIRS_PER_CLIP):
        candidates = np.flatnonzero(fits(int(voices.labels[clip])) & (words.parts == voices.parts[clip]))
        if len(candidates):
            rows.append((clip, rng.choice(candidates)))
    paired = np.array(rows, dtype=np.int64)
    undisturbed = np.full(len(paired), CLEAN)
    return Pairs(voices, words, paired[:, 0], paired[:, 1], undisturbed, undisturbed)


def _drawn(condition: int, count: int, conditions: int, rng: np.random.Generator) -> Ints:
    if condition != ANY:
        return np.full(count, condition)
    others = rng.integers(min(CLEAN + 1, conditions - 1), conditions, count)
    return np.where(rng.random(count) < 0.5, CLEAN, others)
