"""The manifest of the speech corpora: one row per clip, in a CSV beside the audio."""

__all__ = [
    "AUGMENTED",
    "COLUMNS",
    "MANIFEST",
    "Clip",
    "is_augmented",
    "missing_files",
    "read_manifest",
    "read_rows",
    "write_manifest",
]

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rasa_emotion.corpora.catalogue import passed_on_augmented
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.layouts import script_of
from rasa_emotion.corpora.rows import read_rows as table_rows
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError

MANIFEST = "speech.csv"
COLUMNS = ("path", "corpus", "speaker", "label", "emotion", "fold", "seconds", "text")
NEEDED = ("path", "corpus", "speaker")
"""Without a speaker nobody knows which side of a split a clip belongs to."""

SCRIPT = "script"
"""Optional column; without it the script is read from the file's name where the corpus' names tell it."""


AUGMENTED, YES, NO = "augmented", "yes", "no"
"""Optional column, "yes" or "no"; without it the catalogue says which corpora are passed on as altered copies."""


def read_manifest(data: str | Path, *, corpora: Sequence[str] | None = None) -> list[Clip]:
    """Read `speech.csv` of a data folder, keeping the named corpora (all when None).

    Raises:
        ConfigError: the manifest, one of its columns, a corpus or an audio file is missing, or a value is not valid.
    """
    data = Path(data)
    clips = read_rows(data)
    if corpora is not None:
        unknown = set(corpora) - {clip.corpus for clip in clips}
        if unknown:
            raise ConfigError(f"'{data / MANIFEST}' has no corpus {', '.join(sorted(unknown))}: name one that it has.")
        clips = [clip for clip in clips if clip.corpus in corpora]
    _require_files(clips, data)
    return clips


def read_rows(data: Path, name: str = MANIFEST) -> list[Clip]:
    """The rows of `speech.csv`, or of another manifest of the folder, whether their files are there or not.

    Raises:
        ConfigError: the manifest or one of its columns is missing, a value is not valid, or a file stands there twice.
    """
    manifest = data / name
    if not manifest.is_file():
        raise ConfigError(f"No {name} in '{data}': name the folder that holds the corpora.")
    clips = [_clip(row, manifest, line) for line, row in table_rows(manifest, COLUMNS)]
    twice = [path for path, count in Counter(clip.path for clip in clips).items() if count > 1]
    if twice:  # under two speakers it would stand on both sides of a split
        raise ConfigError(f"'{manifest}' names {len(twice)} files more than once ({twice[0]}): keep one row of each.")
    return clips


def write_manifest(data: Path, clips: Iterable[Clip]) -> Path:
    """Write `speech.csv` of a data folder, paths of the clips being relative to it; returns the file."""
    data.mkdir(parents=True, exist_ok=True)
    partial = data / f"{MANIFEST}.part"
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*COLUMNS, SCRIPT, AUGMENTED])
        for clip in clips:
            fold = "" if clip.fold is None else clip.fold
            row = [clip.path, clip.corpus, clip.speaker, clip.label, clip.emotion or "", fold]
            writer.writerow([*row, f"{clip.seconds:.3f}", clip.text, clip.script, YES if clip.augmented else NO])
    return partial.replace(data / MANIFEST)


def missing_files(clips: Iterable[Clip], data: Path) -> list[str]:
    """Paths of the clips whose audio is not there."""
    return [clip.path for clip in clips if not (data / clip.path).is_file()]


def is_augmented(file: Path, line: int, row: Mapping[str, str]) -> bool | None:
    """What a table's row says of its file: its own column decides, else its corpus; None where it has neither.

    Raises:
        ConfigError: the column holds something else than "yes" and "no".
    """
    said = row.get(AUGMENTED, "").casefold()
    if said not in {YES, NO, ""}:
        raise ConfigError(f"'{file}' line {line}: {AUGMENTED} is '{row[AUGMENTED]}': write {YES} or {NO}.")
    if said:
        return said == YES
    return passed_on_augmented(row["corpus"].casefold()) if row.get("corpus") else None


def _clip(row: Mapping[str, str], manifest: Path, line: int) -> Clip:
    empty = [column for column in NEEDED if not row[column]]
    if empty:
        raise ConfigError(f"'{manifest}' line {line} has no {' and no '.join(empty)}: fill it in.")
    emotion = row["emotion"] or None
    if emotion is not None and emotion not in EMOTIONS:
        raise ConfigError(f"'{manifest}' line {line}: emotion '{emotion}' is not one of {', '.join(EMOTIONS)}.")
    try:
        fold = int(row["fold"]) if row["fold"] else None
        seconds = float(row["seconds"])
    except ValueError as error:
        raise ConfigError(f"'{manifest}' line {line}: fold and seconds must be numbers ({error}).") from error
    script = row.get(SCRIPT)
    if script is None:
        script = script_of(row["corpus"], row["path"])
    return Clip(
        row["path"],
        row["corpus"],
        row["speaker"],
        row["label"],
        emotion,
        fold,
        seconds,
        row["text"],
        script,
        bool(is_augmented(manifest, line, row)),
    )


def _require_files(clips: Sequence[Clip], data: Path) -> None:
    missing = missing_files(clips, data)
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        one = len(missing) == 1
        what = "1 audio file" if one else f"{len(missing):,} audio files"
        remedy = "put it back, or delete its row" if one else "put them back, or delete their rows"
        raise ConfigError(f"{what} of '{data / MANIFEST}' {'is' if one else 'are'} missing ({shown}): {remedy}.")
