"""RAVDESS: Actor_AA/MM-VC-EE-II-SS-RR-AA.wav, speech alone.

Layout: S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song", 2018
(https://zenodo.org/records/1188976). Folds: the six of EmoBox (Z. Ma et al., "EmoBox", 2024, data/ravdess of
https://github.com/emo-box/EmoBox).
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from rasa_emotion.corpora.layouts.layout import Utterance, named_layout

LABELS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}

ACTORS = (
    ("01", "11", "20", "21"),
    ("04", "10", "12", "14"),
    ("08", "09", "19", "23"),
    ("03", "05", "07", "24"),
    ("02", "15", "16", "18"),
    ("06", "13", "17", "22"),
)
"""The actors of EmoBox' folds 1 to 6."""

NAME = re.compile(r"(0[1-3])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(0[1-9]|1\d|2[0-4])")
NOT_SPEECH = "songs, or sound of the videos"


def parse(path: PurePath) -> Utterance | str | None:
    """Read a name such as `03-01-06-01-02-01-12`."""
    match = NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, channel, emotion, intensity, statement, _, actor = match.groups()
    if (modality, channel) != ("03", "01"):
        return NOT_SPEECH
    if emotion == "01" and intensity == "02":
        return None  # neutral has no strong form
    text = STATEMENTS[statement]
    return Utterance(path.stem, actor, LABELS[emotion], text, script=text)


def published() -> Iterator[str]:
    """The 1,440 recordings."""
    for actor in range(1, 25):
        for emotion in LABELS:
            for intensity in ("01",) if emotion == "01" else ("01", "02"):
                for statement in STATEMENTS:
                    for repetition in ("01", "02"):
                        name = f"03-01-{emotion}-{intensity}-{statement}-{repetition}-{actor:02d}"
                        yield f"Actor_{actor:02d}/{name}.wav"


LAYOUT = named_layout(
    "ravdess",
    parse,
    {label: label for label in LABELS.values()},
    example="Actor_01/03-01-01-01-01-01-01.wav",
    published=lambda _: published(),
    folds={f"ravdess-{actor}": fold for fold, actors in enumerate(ACTORS, start=1) for actor in actors},
)
