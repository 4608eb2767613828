"""What a voice makes of every view before its heads: kept in files, so that heads are fitted in a minute."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.acoustic.heads import Network
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.voice.kept import drawn, enough, read_sounds

BATCH_SECS = 48.0
Hear = Callable[[Sequence[NDArray[np.float32]]], NDArray[np.float32]]
"""Sounds of similar length, 16 kHz samples each, to what heads read, [sounds, d]."""


@dataclass(frozen=True)
class Rows:
    """Views of sounds, one row each.

    Args:
        statistics: float32, shape [rows, d]; what the heads read before it is normalised.
        emotion: index into `EMOTIONS`, shape [rows].
        corpus, view, speaker, name: of the sound, shape [rows].
        fold: shape [rows].
        augmented: whether the sound is an altered copy, which is never scored.
    """

    statistics: NDArray[np.float32]
    emotion: NDArray[np.int64]
    corpus: NDArray[np.str_]
    view: NDArray[np.str_]
    speaker: NDArray[np.str_]
    name: NDArray[np.str_]
    fold: NDArray[np.int64]
    augmented: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Rows":
        """The chosen rows, by a mask or by their numbers."""
        return Rows(**{key: value[chosen] for key, value in vars(self).items()})

    def __len__(self) -> int:
        return len(self.emotion)


def read_rows(folder: Path, views: Sequence[str] | None = None) -> Rows:
    """The rows of every corpus in a folder that `write_features` wrote; `views` keeps the named ones."""
    parts = []
    for table in sorted(folder.glob("*.csv")):
        for file in sorted(folder.glob(f"{table.stem}@*.npy")):
            view = file.stem.split("@")[1]
            if views is None or view in views:
                parts.append(described(folder, table.stem, view, np.load(file).astype(np.float32)))
    return Rows(**{key: np.concatenate([vars(part)[key] for part in parts]) for key in vars(parts[0])})


def described(folder: Path, corpus: str, view: str, found: NDArray[np.float32]) -> Rows:
    """The statistics of one view of a corpus, with what its table says of them."""
    with (folder / f"{corpus}.csv").open(newline="", encoding="utf-8") as stream:
        said = list(csv.DictReader(stream))
    return Rows(
        statistics=found,
        emotion=np.array([EMOTIONS.index(row["emotion"]) for row in said]),
        corpus=np.array([row["corpus"] for row in said]),
        view=np.full(len(said), view),
        speaker=np.array([row["speaker"] for row in said]),
        name=np.array([row["name"] for row in said]),
        fold=np.array([int(row["fold"]) for row in said]),
        augmented=np.array([row["augmented"] == "1" for row in said]),
    )


def hear_all(hear: Hear, sounds: Sequence[NDArray[np.float32]], *, progress: str = "") -> NDArray[np.float32]:
    """What heads read of sounds of any lengths, [sounds, d]; neighbours in a batch do not change it."""
    sounds = [enough(sound) for sound in sounds]
    found: list[NDArray[np.float32] | None] = [None] * len(sounds)
    with tqdm(total=len(sounds), desc=progress, mininterval=5, disable=not progress) as bar:
        for batch in _batches(sounds):
            for index, values in zip(batch, hear([sounds[index] for index in batch]), strict=True):
                found[index] = values
            bar.update(len(batch))
    return np.stack([values for values in found if values is not None])


def by_network(network: Network) -> Hear:
    """The embedding of a model folder's network."""
    return lambda sounds: network.run(["embedding"], sounds)[0]


def write_features(
    views: Path, hear: Hear, out: Path, *, corpora: Sequence[str] = (), only: Sequence[str] = (), most: int = 0
) -> None:
    """Write the statistics of every view that is not there yet, in half precision, beside each corpus' table.

    `corpora` and `only` name the wanted corpora and views; all where they are empty. `most` limits the sounds of a
    corpus; 0 takes all.
    """
    out.mkdir(parents=True, exist_ok=True)
    for table in [table for table in sorted(views.glob("*.csv")) if not corpora or table.stem in corpora]:
        chosen = _write_table(table, out / table.name, most)
        for ends_file in sorted(views.glob(f"{table.stem}-*-ends.npy")):
            view = ends_file.name.removeprefix(f"{table.stem}-").removesuffix("-ends.npy")
            file = out / f"{table.stem}@{view}.npy"
            if "-" in view or file.is_file() or (only and view not in only):
                continue
            heard = read_sounds(views, table.stem, view)
            sounds = [heard[index] for index in chosen]
            part = out / f"{table.stem}@{view}.part"
            with part.open("wb") as stream:
                np.save(stream, hear_all(hear, sounds, progress=f"{table.stem} {view}").astype(np.float16))
            part.replace(file)


def _write_table(table: Path, out: Path, most: int) -> NDArray[np.int64]:
    """Copy the drawn rows of a corpus' table; returns their numbers."""
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    chosen = drawn([row["name"] for row in rows], most)
    with out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows[index] for index in chosen)
    return chosen


def _batches(sounds: Sequence[NDArray[np.float32]]) -> Iterator[list[int]]:
    """Indices of sounds of similar length, some `BATCH_SECS` together."""
    batch: list[int] = []
    for index in np.argsort([len(sound) for sound in sounds]):
        if batch and (len(batch) + 1) * len(sounds[index]) > BATCH_SECS * SAMPLE_RATE:
            yield batch
            batch = []
        batch.append(int(index))
    if batch:
        yield batch
