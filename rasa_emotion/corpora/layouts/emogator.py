"""EmoGator: data/mp3/NNNNNN-EE-I.mp3, contributor, category and instance.

Layout: F. Buhl, "EmoGator: A New Open Source Vocal Burst Dataset", 2023 (https://github.com/fredbuhl/EmoGator). It has
no official folds: the 357 contributors are dealt to five.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from rasa_emotion.corpora.layouts.layout import Utterance, deal_speakers, named_layout

CATEGORIES = (
    "Adoration",
    "Amusement",
    "Anger",
    "Awe",
    "Confusion",
    "Contempt",
    "Contentment",
    "Desire",
    "Disappointment",
    "Disgust",
    "Distress",
    "Ecstasy",
    "Elation",
    "Embarrassment",
    "Fear",
    "Guilt",
    "Interest",
    "Neutral",
    "Pain",
    "Pride",
    "Realization",
    "Relief",
    "Romantic Love",
    "Sadness",
    "Serenity",
    "Shame",
    "Surprise (Negative)",
    "Surprise (Positive)",
    "Sympathy",
    "Triumph",
)
EMOTIONS = {
    "Amusement": "happy",
    "Anger": "angry",
    "Contentment": "calm",
    "Disgust": "disgust",
    "Elation": "happy",
    "Fear": "fear",
    "Neutral": "neutral",
    "Sadness": "sad",
    "Serenity": "calm",
    "Surprise (Negative)": "surprise",
    "Surprise (Positive)": "surprise",
}
CONTRIBUTORS = range(1, 358)
NAME = re.compile(r"(\d{6})-(\d\d)-([123])")


def parse(path: PurePath) -> Utterance | None:
    """Read a name such as `000001-02-2`; nobody speaks words, so there is no script."""
    match = NAME.fullmatch(path.stem)
    if match is None or int(match[1]) not in CONTRIBUTORS or not 1 <= int(match[2]) <= len(CATEGORIES):
        return None
    return Utterance(path.stem, match[1], CATEGORIES[int(match[2]) - 1])


def published() -> Iterator[str]:
    """The 32,130 recordings: each contributor gave three of each category."""
    for contributor in CONTRIBUTORS:
        for category in range(1, len(CATEGORIES) + 1):
            for instance in (1, 2, 3):
                yield f"data/mp3/{contributor:06d}-{category:02d}-{instance}.mp3"


LAYOUT = named_layout(
    "emogator",
    parse,
    EMOTIONS,
    example="data/mp3/000001-01-1.mp3",
    published=lambda _: published(),
    folds=deal_speakers((f"emogator-{contributor:06d}" for contributor in CONTRIBUTORS), 5),
)
