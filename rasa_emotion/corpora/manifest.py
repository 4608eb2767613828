"""The manifest of the speech corpora: one row per clip, in a CSV beside the audio."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError

MANIFEST = "speech.csv"
COLUMNS = ("path", "corpus", "speaker", "label", "emotion", "fold", "seconds", "text")


@dataclass(frozen=True)
class Clip:
    """One row of the manifest.

    Args:
        path: the audio file, relative to the manifest's folder.
        corpus: the corpus' name.
        speaker: unique over all corpora.
        label: the corpus' own label.
        emotion: one of the eight, or None where none fits.
        fold: the corpus' official fold, or None.
        seconds: length of the file.
        text: what is said, or "".
    """

    path: str
    corpus: str
    speaker: str
    label: str
    emotion: str | None
    fold: int | None
    seconds: float
    text: str = ""


def read_manifest(data: str | Path, *, corpora: Sequence[str] | None = None) -> list[Clip]:
    """Read `speech.csv` of a data folder, keeping the named corpora (all when None).

    Raises:
        ConfigError: the manifest, one of its columns, a corpus or an audio file is missing, or a value is not valid.
    """
    data = Path(data)
    manifest = data / MANIFEST
    if not manifest.is_file():
        raise ConfigError(f"No {MANIFEST} in '{data}': name the folder that holds the corpora.")
    with manifest.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        absent = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if absent:
            raise ConfigError(f"'{manifest}' lacks the columns {', '.join(absent)}: add them.")
        clips = [_clip(row, manifest, reader.line_num) for row in reader]
    if corpora is not None:
        unknown = set(corpora) - {clip.corpus for clip in clips}
        if unknown:
            raise ConfigError(f"'{manifest}' has no corpus {', '.join(sorted(unknown))}: name one that it has.")
        clips = [clip for clip in clips if clip.corpus in corpora]
    _require_files(clips, data)
    return clips


def _clip(row: dict[str, str], manifest: Path, line: int) -> Clip:
    emotion = row["emotion"] or None
    if emotion is not None and emotion not in EMOTIONS:
        raise ConfigError(f"'{manifest}' line {line}: emotion '{emotion}' is not one of {', '.join(EMOTIONS)}.")
    try:
        fold = int(row["fold"]) if row["fold"] else None
        seconds = float(row["seconds"])
    except (TypeError, ValueError) as error:
        raise ConfigError(f"'{manifest}' line {line}: fold and seconds must be numbers ({error}).") from error
    return Clip(row["path"], row["corpus"], row["speaker"], row["label"], emotion, fold, seconds, row["text"] or "")


def _require_files(clips: Sequence[Clip], data: Path) -> None:
    missing = [clip.path for clip in clips if not (data / clip.path).is_file()]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise ConfigError(f"{len(missing)} audio files of '{data / MANIFEST}' are missing ({shown}): fetch them again.")
