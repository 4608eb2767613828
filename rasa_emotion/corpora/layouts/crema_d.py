"""CREMA-D: AudioWAV/ACTOR_SENTENCE_EMOTION_LEVEL.wav.

Layout: H. Cao et al., "CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset", 2014
(https://github.com/CheyneyComputerScience/CREMA-D). It has no official folds: the 91 actors are dealt to five.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from rasa_emotion.corpora.layouts.layout import Utterance, below, deal_speakers, named_layout, table_rows

SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
LABELS = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
EMOTIONS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
}
ACTORS = range(1001, 1092)

SUMMARY = "processedResults/summaryTable.csv"
NEVER_PUBLISHED = frozenset({"1006_TIE_NEU_XX", "1013_WSI_DIS_XX", "1017_IWW_FEA_XX"})
"""Recordings that the summary lists and the repository lacks, as the reader of TensorFlow Datasets notes too."""

# One published file, 1040_ITH_SAD_X, has a level of one letter.
NAME = re.compile(rf"(10\d\d)_({'|'.join(SENTENCES)})_({'|'.join(LABELS)})_(?:XX?|LO|MD|HI)")


def parse(path: PurePath) -> Utterance | None:
    """Read a name such as `1001_DFA_ANG_XX`."""
    match = NAME.fullmatch(path.stem)
    if match is None or int(match[1]) not in ACTORS:
        return None
    text = SENTENCES[match[2]]
    key = path.stem + "X" * path.stem.endswith("_X")
    return Utterance(key, match[1], LABELS[match[3]], text, script=text)


def published(root: Path) -> Iterator[str]:
    """What the corpus' own summary of votes lists; nothing where it is not beside the audio."""
    summary = below(root, SUMMARY)
    if summary is None:
        return
    for row in table_rows(summary, ("FileName",)):
        name = row["FileName"]
        if name not in NEVER_PUBLISHED and parse(PurePath(name)) is not None:
            yield f"AudioWAV/{name}.wav"


LAYOUT = named_layout(
    "crema-d",
    parse,
    EMOTIONS,
    example="AudioWAV/1001_DFA_ANG_XX.wav",
    published=published,
    folds=deal_speakers((f"crema-d-{actor}" for actor in ACTORS), 5),
)
