"""TESS: OAF_Fear/OAF_back_fear.wav, actress, carried word and emotion; the folder may have another name.

Layout: M. K. Pichora-Fuller and K. Dupuis, "Toronto emotional speech set (TESS)", 2020
(https://doi.org/10.5683/SP2/E8H2MF). Each of the two actresses is a fold. The script is the carried word: the
sentence around it is the same in all recordings.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from rasa_emotion.corpora.layouts.layout import Utterance, named_layout

ACTRESSES = ("OAF", "YAF")
EMOTIONS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprise",
    "sad": "sad",
}
NU6 = """
    back bar base bath bean beg bite boat bone book bought burn cab calm came cause chain chair chalk chat check
    cheek chief choice cool dab date dead death deep dime dip ditch dodge dog doll door fail fall far fat fit five
    food gap gas gaze germ get gin goal good goose gun half hall hash hate have haze hire hit hole home hurl hush
    jail jar join judge jug juice keen keep keg kick kill king kite knock late laud lean learn lease lid life limb
    live loaf long lore lose lot love luck make match merge mess met mill mob mode mood moon mop mouse nag name
    near neat nice note numb pad page pain pass pearl peg perch phone pick pike pole pool puff rag raid rain raise
    rat reach read red ring ripe road room rose rot rough rush said sail search seize sell shack shall shawl sheep
    shirt should shout size soap soup sour south sub such sure take talk tape team tell thin third thought thumb
    time tip tire ton tool tough turn vine voice void vote wag walk wash week wheat when which whip white wife
    wire witch yearn yes young youth
"""
WORDS = tuple(NU6.split())
"""The words of the Northwestern University Auditory Test No. 6."""

# One published file, OA_bite_neutral, lacks a letter.
NAME = re.compile(rf"(OAF?|YAF)_([a-z]+)_({'|'.join(EMOTIONS)})", re.IGNORECASE)


def parse(path: PurePath) -> Utterance | None:
    """Read a name such as `OAF_back_fear`."""
    match = NAME.fullmatch(path.stem)
    if match is None or match[2].lower() not in WORDS:
        return None
    actress = "YAF" if match[1].upper() == "YAF" else "OAF"
    word, label = match[2].lower(), match[3].lower()
    return Utterance(f"{actress}_{word}_{label}", actress, label, f"Say the word {word}", script=word)


def published() -> Iterator[str]:
    """The 2,800 recordings."""
    for actress in ACTRESSES:
        for label in EMOTIONS:
            for word in WORDS:
                yield f"{actress}_{word}_{label}.wav"  # the names of the folders vary


LAYOUT = named_layout(
    "tess",
    parse,
    EMOTIONS,
    example="OAF_Fear/OAF_back_fear.wav",
    published=lambda _: published(),
    folds={f"tess-{actress}": fold for fold, actress in enumerate(ACTRESSES, start=1)},
)
