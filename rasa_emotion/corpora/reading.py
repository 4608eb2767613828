"""Reads a corpus from its published layout, and says what its folder lacks."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import soundfile

from rasa_emotion.corpora.catalogue import CORPORA
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.layouts import layout, meld, recognise
from rasa_emotion.corpora.layouts.layout import Layout, deal_speakers
from rasa_emotion.corpora.manifest import MANIFEST, missing_files, read_rows
from rasa_emotion.errors import ConfigError

Progress = Callable[[int, int | None], None]
"""Told how much is done, and of how much (None where nobody knows)."""

DATA_FOLDER = "manifest"
"""The name of the layout of a data folder with a `speech.csv`."""

READERS = 16
"""Files that are opened at once: most of the time goes by waiting for the disk or the network behind it."""

POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Reading:
    """A corpus as read.

    Args:
        corpus: its name, or "manifest" for a data folder, which may hold several.
        root: the folder; the clips' paths are relative to it.
        clips: what can be used, with its length and standard fold.
        missing: published recordings that are not there.
        strangers: audio files whose names the corpus does not use.
        unreadable: clips that cannot be opened, with the reason; they are not among `clips`.
        aside: files that are left out on purpose, by the reason.
    """

    corpus: str
    root: Path
    clips: Sequence[Clip]
    missing: Sequence[str] = ()
    strangers: Sequence[str] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    aside: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def lacking(self) -> int:
        """How many recordings fewer than published are there, counted where nothing lists their names."""
        entry = CORPORA.get(self.corpus)
        published = entry.clips if entry else None
        return max(0, (published or 0) - len(self.clips) - len(self.unreadable))

    @property
    def whole(self) -> bool:
        """Whether every published recording is there and can be opened."""
        to_extract = self.aside.get(meld.STILL_VIDEO, ())
        return bool(self.clips) and not (self.missing or self.unreadable or self.lacking or to_extract)


def read_corpus(
    root: str | Path, corpus: str | None = None, *, progress: Progress = lambda done, total: None
) -> Reading:
    """Read a folder in a corpus' published layout, or a data folder with a `speech.csv`.

    Nothing but the audio files' headers is read.

    Args:
        root: the folder that was unpacked, or one above it.
        corpus: its name in the catalogue; recognised when None.
        progress: told after each file.

    Raises:
        ConfigError: the folder is not there, is in no known layout, or the corpus has none.
    """
    root = Path(root)
    if not root.is_dir():
        raise ConfigError(f"There is no folder '{root}': name the one that the corpus was unpacked to.")
    if corpus == DATA_FOLDER or (corpus is None and (root / MANIFEST).is_file()):
        rows = read_rows(root)
        absent = set(missing_files(rows, root))
        found = [clip for clip in rows if clip.path not in absent]
        clips, unreadable = _opened(found, root, progress)
        return Reading(DATA_FOLDER, root, clips, sorted(absent), unreadable=unreadable)
    chosen = layout(corpus) if corpus else recognise(root)
    scan = chosen.scan(root)
    clips, unreadable = _opened(_folded(scan.clips, chosen), root, progress)
    return Reading(chosen.corpus, root, clips, scan.missing, scan.strangers, unreadable, scan.aside)


def relative_to(reading: Reading, data: Path) -> list[Clip]:
    """The clips with their paths relative to another folder, for its manifest."""
    base = os.path.relpath(reading.root, data)
    return [replace(clip, path=Path(base, clip.path).as_posix()) for clip in reading.clips]


def _folded(clips: Sequence[Clip], chosen: Layout) -> list[Clip]:
    if chosen.folds is None:
        return list(clips)
    folds = chosen.folds
    if isinstance(folds, int):
        folds = deal_speakers((clip.speaker for clip in clips), folds)
    return [replace(clip, fold=folds[clip.speaker]) for clip in clips]


def _opened(clips: Sequence[Clip], root: Path, progress: Progress) -> tuple[list[Clip], dict[str, str]]:
    """The clips with their lengths, and why the others cannot be opened; both in the order of the clips."""

    def look(clip: Clip) -> float | str:
        try:
            return _seconds(root / clip.path)
        except soundfile.LibsndfileError:
            return "it is no sound file, or a damaged one"
        except (RuntimeError, OSError, ValueError) as error:
            return str(error)

    opened: list[Clip] = []
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(READERS) as pool:
        for number, (clip, found) in enumerate(zip(clips, pool.map(look, clips), strict=True), start=1):
            if isinstance(found, str):
                unreadable[clip.path] = found
            else:
                opened.append(replace(clip, seconds=found))
            progress(number, len(clips))
    return opened, unreadable


def _seconds(path: Path) -> float:
    """Length from the file's header, in seconds."""
    with path.open("rb") as stream:
        start = stream.read(len(POINTER))
        if start == POINTER:
            raise ValueError("a Git LFS pointer stands for the recording; fetch it")
        if not start:
            raise ValueError("the file is empty")
        stream.seek(0)
        info = soundfile.info(stream)
    if not info.frames:
        raise ValueError("it holds no samples")
    return round(float(info.frames / info.samplerate), 3)
