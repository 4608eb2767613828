"""SAVEE: AudioData/SPEAKER/EMOTIONNN.wav, or flat SPEAKER_EMOTIONNN.wav as it is also passed on.

Layout: AudioData/Info.txt of S. Haq and P. J. B. Jackson's SAVEE database (http://kahlan.eps.surrey.ac.uk/savee/).
Each of the four speakers is a fold. Fifteen sentences an emotion, thirty for neutral; the code of a sentence is emotion
and number. Some sentences are spoken in several emotions under numbers that the corpus does not tell, so no split of
SAVEE can be proved free of shared sentences.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from rasa_emotion.corpora.layouts.layout import Utterance, named_layout

SPEAKERS = ("DC", "JE", "JK", "KL")
LABELS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
EMOTIONS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprise",
}
NAME = re.compile(rf"(?:({'|'.join(SPEAKERS)})_)?(sa|su|[adfhn])(\d\d)")


def parse(path: PurePath) -> Utterance | None:
    """Read `DC/a01` or `DC_a01`."""
    match = NAME.fullmatch(path.stem)
    speaker = match and (match[1] or path.parent.name)
    if match is None or speaker not in SPEAKERS or not 1 <= int(match[3]) <= _sentences(match[2]):
        return None
    code = match[2] + match[3]
    return Utterance(f"{speaker}_{code}", str(speaker), LABELS[match[2]], script=code)


def published() -> Iterator[str]:
    """The 480 recordings."""
    for speaker in SPEAKERS:
        for letter in LABELS:
            for number in range(1, _sentences(letter) + 1):
                yield f"AudioData/{speaker}/{letter}{number:02d}.wav"


def _sentences(letter: str) -> int:
    return 30 if letter == "n" else 15


LAYOUT = named_layout(
    "savee",
    parse,
    EMOTIONS,
    example="AudioData/DC/a01.wav",
    published=lambda _: published(),
    folds={f"savee-{speaker}": fold for fold, speaker in enumerate(SPEAKERS, start=1)},
)
