"""EmoDB: wav/SSTTTEV.wav, speaker, text, emotion (the first letter of its German word) and version.

Layout: F. Burkhardt et al., "A Database of German Emotional Speech", 2005 (http://emodb.bilderbar.info/docu/). Each of
the ten speakers is a fold.
"""

import re
from pathlib import PurePath

from rasa_emotion.corpora.layouts.layout import Utterance, named_layout

SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
TEXTS = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
LABELS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
EMOTIONS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "neutral": "neutral",
}
NAME = re.compile(rf"({'|'.join(SPEAKERS)})({'|'.join(TEXTS)})([{''.join(LABELS)}])[a-f]?")


def parse(path: PurePath) -> Utterance | None:
    """Read a name such as `03a01Fa`."""
    match = NAME.fullmatch(path.stem)
    if match is None:
        return None
    return Utterance(path.stem, match[1], LABELS[match[3]], TEXTS[match[2]], script=match[2])


LAYOUT = named_layout(
    "emodb",
    parse,
    EMOTIONS,
    example="wav/03a01Fa.wav",
    folds={f"emodb-{speaker}": fold for fold, speaker in enumerate(SPEAKERS, start=1)},
)
