"""The label schemes of the published systems: which classes there are, and which one a clip belongs to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.emotions import EMOTIONS

BURSTS = ("confusion", "guilt", "nervousness", "pride", "shame")
"""What system C takes from EmoGator beside RAVDESS' eight; a class without clips in the data is left out."""

SEXES = ("female", "male")

_EMODB_FEMALE = {"08", "09", "13", "14", "16"}
_CREMA_D_WOMEN = (
    "1002 1003 1004 1006 1007 1008 1009 1010 1012 1013 1018 1020 1021 1024 1025 1028 1029 1030 1037 1043 1046 1047 "
    "1049 1052 1053 1054 1055 1056 1058 1060 1061 1063 1072 1073 1074 1075 1076 1078 1079 1082 1084 1089 1091"
)


@dataclass(frozen=True)
class Scheme:
    """Class names in their order, and the class of a clip (None: the clip is left out)."""

    classes: tuple[str, ...]
    of: Callable[[Clip], str | None]


def speaker_sex(clip: Clip) -> str | None:
    """As each corpus' documentation has it; None where it says nothing.

    RAVDESS: actors with even numbers are women. TESS: two women. SAVEE: four men. EmoDB: by its list of speakers.
    CREMA-D: by its VideoDemographics.csv. IEMOCAP: the letter at the end of the speaker's name.
    """
    number = clip.speaker.rsplit("-", 1)[-1]
    if clip.corpus == "ravdess":
        return "male" if int(number) % 2 else "female"
    if clip.corpus == "emodb":
        return "female" if number in _EMODB_FEMALE else "male"
    if clip.corpus == "crema-d":
        return "female" if number in _CREMA_D_WOMEN.split() else "male"
    if clip.corpus == "iemocap":
        return {"F": "female", "M": "male"}.get(number[-1:])
    return {"tess": "female", "savee": "male"}.get(clip.corpus)


def _thirteen(clip: Clip) -> str | None:
    if clip.corpus != "emogator":
        return clip.emotion
    return clip.label.lower() if clip.label.lower() in BURSTS else None


def _sixteen(clip: Clip) -> str | None:
    sex = speaker_sex(clip)
    return f"{clip.emotion}_{sex}" if clip.emotion and sex else None


def merged(classes: Sequence[str]) -> tuple[str, ...]:
    """The emotion of each class: without the sex at its end.

    >>> merged(["angry_female", "angry_male", "calm"])
    ('angry', 'angry', 'calm')
    """
    return tuple(name.rpartition("_")[0] if name.rpartition("_")[2] in SEXES else name for name in classes)


_FOUR = ("angry", "happy", "neutral", "sad")

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "eight": Scheme(EMOTIONS, lambda clip: clip.emotion),
        "thirteen": Scheme((*EMOTIONS, *BURSTS), _thirteen),
        "sixteen": Scheme(tuple(f"{emotion}_{sex}" for emotion in EMOTIONS for sex in SEXES), _sixteen),
        "four": Scheme(_FOUR, lambda clip: clip.emotion if clip.emotion in _FOUR else None),
    }
)
