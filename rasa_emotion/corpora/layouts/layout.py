"""What the layouts of the corpora have in common: names of files to utterances, and what a folder lacks."""

import csv
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.errors import ConfigError

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})
"""A corpus may have been converted: names count, not the format."""

SECOND_COPY = "second copies of a recording that is already there"


@dataclass(frozen=True)
class Utterance:
    """What a file's name or a corpus' table says of one recording.

    Args:
        key: identifies the recording within its corpus, wherever the file lies.
        speaker: unique within the corpus.
        label: the corpus' own label.
        text: what is said, or "".
        script: as in `Clip`.
        fold: the official partition or session where the name or the table tells it.
    """

    key: str
    speaker: str
    label: str
    text: str = ""
    script: str = ""
    fold: int | None = None


@dataclass(frozen=True)
class Scan:
    """A corpus' folder before any audio is opened.

    Args:
        clips: the recordings that are there; paths relative to the folder.
        missing: published recordings that are not there, under their published names.
        strangers: audio files whose names the corpus does not use: renamed, or of another corpus.
        aside: files that are left out on purpose, by the reason.
    """

    clips: Sequence[Clip]
    missing: Sequence[str] = ()
    strangers: Sequence[str] = ()
    aside: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """How a corpus lies on disk as it is published.

    Args:
        corpus: its name in the catalogue.
        example: one file of it, or the table that it is known by; for messages.
        scan: lists what a folder holds and lacks.
        score: how well a folder fits, 0 to 1, given some of its audio files (paths relative to it).
        folds: fold of each speaker, a number of speaker-disjoint folds to deal the speakers to, or None where the
            corpus' own partition says.
    """

    corpus: str
    example: str
    scan: Callable[[Path], Scan]
    score: Callable[[Path, Sequence[PurePath]], float]
    folds: Mapping[str, int] | int | None = None


Parse = Callable[[PurePath], Utterance | str | None]
"""A file's path to its utterance, to the reason why it is left out, or to None where the name says nothing."""


def named_layout(
    corpus: str,
    parse: Parse,
    emotions: Mapping[str, str],
    *,
    example: str,
    published: Callable[[Path], Iterable[str]] = lambda _: (),
    folds: Mapping[str, int] | int | None = None,
) -> Layout:
    """The layout of a corpus whose file names say everything.

    Args:
        parse: reads one name.
        emotions: the corpus' labels on the eight; labels that are not listed fit none.
        published: paths of all the recordings, where the corpus or its folder tells them.
    """

    def scan(root: Path) -> Scan:
        found, strangers, aside = _sorted_out(root, parse)
        clips = [clip_of(corpus, path, said, emotions) for path, said in found.values()]
        missing = [path for path in published(root) if _key(parse, path) not in found]
        return Scan(clips, missing, strangers, aside)

    def score(root: Path, files: Sequence[PurePath]) -> float:
        return sum(parse(file) is not None for file in files) / len(files) if files else 0.0

    return Layout(corpus, example, scan, score, folds)


def table_layout(corpus: str, table: str, scan: Callable[[Path], Scan], *, folds: int | None = None) -> Layout:
    """The layout of a corpus that is known by a file or folder of labels (a glob pattern, any level below)."""

    def score(root: Path, files: Sequence[PurePath]) -> float:
        return 1.0 if below(root, table) else 0.0

    return Layout(corpus, table, scan, score, folds)


def clip_of(corpus: str, path: str, said: Utterance, emotions: Mapping[str, str]) -> Clip:
    """A clip whose length nobody has looked at yet."""
    return Clip(
        path,
        corpus,
        f"{corpus}-{said.speaker}",
        said.label,
        emotions.get(said.label),
        said.fold,
        0.0,
        said.text,
        said.script,
    )


def audio_files(root: Path) -> Iterator[PurePath]:
    """Audio files below a folder, relative to it, in order, but MP3 last: where there are both, it is the copy.

    Files that macOS hides in archives are passed over.
    """
    paths = (path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    for path in sorted(paths, key=lambda path: (path.suffix.lower() == ".mp3", path)):
        if not path.name.startswith("._") and "__MACOSX" not in path.parts:
            yield path


def below(root: Path, pattern: str) -> Path | None:
    """The first match of a pattern in a folder or at any level below it."""
    return next(iter(sorted(root.glob(pattern)) or sorted(root.rglob(pattern))), None)


def with_any_suffix(path: Path) -> Path | None:
    """The audio file of that name, whatever it was converted to."""
    candidates = [path, *(path.with_suffix(suffix) for suffix in sorted(AUDIO_SUFFIXES))]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def table_rows(table: Path, columns: Collection[str]) -> Iterator[Mapping[str, str]]:
    """The rows of a corpus' own table; characters in another encoding than UTF-8, which some have, are replaced.

    Raises:
        ConfigError: it lacks a column.
    """
    with table.open(encoding="utf-8", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream, restval="")
        absent = [column for column in columns if column not in (reader.fieldnames or ())]
        if absent:
            raise ConfigError(f"'{table}' lacks the columns {', '.join(absent)}: fetch the corpus' own table again.")
        yield from reader


def deal_speakers(speakers: Iterable[str], folds: int, *, seed: int = 0) -> dict[str, int]:
    """Speaker-disjoint folds, from 1, of nearly equal numbers of speakers, for a corpus without official ones."""
    names = sorted(set(speakers))
    random.Random(seed).shuffle(names)
    return {name: 1 + number % folds for number, name in enumerate(names)}


def _sorted_out(root: Path, parse: Parse) -> tuple[dict[str, tuple[str, Utterance]], list[str], dict[str, list[str]]]:
    found: dict[str, tuple[str, Utterance]] = {}
    strangers: list[str] = []
    aside: dict[str, list[str]] = {}
    for path in audio_files(root):
        said = parse(path)
        if said is None:
            strangers.append(path.as_posix())
        elif isinstance(said, str):
            aside.setdefault(said, []).append(path.as_posix())
        elif said.key in found:
            aside.setdefault(SECOND_COPY, []).append(path.as_posix())
        else:
            found[said.key] = (path.as_posix(), said)
    return found, strangers, aside


def _key(parse: Parse, path: str) -> str:
    said = parse(PurePath(path))
    if not isinstance(said, Utterance):
        raise AssertionError(f"a published name that its own layout cannot read: {path}")
    return said.key
