"""Indian EmoSpeech Command: PLACE/keyword-environment-emotion-time-speaker.wav.

Layout: S. Banga et al., "Indian EmoSpeech Command Dataset: A dataset for emotion based speech recognition in the wild",
2019 (https://github.com/RakshakTeam/emospeech-dataset-v1). It has no official folds: the speakers that are there are
dealt to five. Recordings of the hash that stands for unknown people are left out, since no split could keep them apart.
"""

import re
from pathlib import PurePath

from rasa_emotion.corpora.layouts.layout import Utterance, named_layout

KEYWORDS = ("bacho", "go", "help", "no", "stop", "yes")
NOT_KEYWORDS = ("unknown", "background")
EMOTIONS = {"angry": "angry", "calm": "calm", "fearful": "fear", "happy": "happy"}
UNKNOWN_SPEAKER = "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"
WITHOUT_SPEAKER = "recordings of unknown speakers"

NAME = re.compile(
    rf"({'|'.join(KEYWORDS + NOT_KEYWORDS)})-([^-]+)-({'|'.join(EMOTIONS)}|none)-([^-]*)-([0-9a-f]{{56}})"
)


def parse(path: PurePath) -> Utterance | str | None:
    """Read a name such as `yes-safe-happy-1566229555287-340a...`."""
    match = NAME.fullmatch(path.stem.lower())
    if match is None:
        return None
    keyword, _, label, _, speaker = match.groups()
    if speaker == UNKNOWN_SPEAKER:
        return WITHOUT_SPEAKER
    text = keyword if keyword in KEYWORDS else ""
    return Utterance(path.as_posix(), speaker[:10], label, text, script=text)


LAYOUT = named_layout("iesc", parse, EMOTIONS, example=f"House/yes-safe-calm-20190709085906-{'0' * 56}.wav", folds=5)
