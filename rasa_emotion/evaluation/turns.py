"""The manifest of turns to score, and what an analyzer makes of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.corpora.manifest import AUGMENTED, MANIFEST, is_augmented
from rasa_emotion.corpora.manifest import read_rows as read_manifest_rows
from rasa_emotion.corpora.rows import Row, emotion_of, read_rows
from rasa_emotion.emotions import as_array
from rasa_emotion.errors import AudioError, ConfigError, TextError
from rasa_emotion.evaluation.metrics import FloatArray
from rasa_emotion.evaluation.predictions import Predictions

COLUMNS = ("path", "text", "emotion", "speaker")
MODALITIES = ("both", "voice", "text")


@dataclass(frozen=True)
class Turn:
    """One row of the manifest.

    Args:
        name: the path as written, or "line 7" where there are only words.
        audio: the sound file; None where there are only words.
        text: the words, or "".
        truth: number of the emotion in `EMOTIONS`.
        speaker: "" where unknown.
        corpus: of the column `corpus`; None without such a column.
        augmented: whether the sound file is an altered copy of a recording, as far as a manifest says.
    """

    name: str
    audio: Path | None
    text: str
    truth: int
    speaker: str
    corpus: str | None = None
    augmented: bool = False


@dataclass(frozen=True)
class Skipped:
    """A turn that could not be scored, and why."""

    name: str
    reason: str


def read_turns(manifest: str | Path) -> list[Turn]:
    """Read a manifest with the columns path, text, emotion and speaker, and perhaps corpus and augmented.

    Paths are relative to the manifest's folder; path or text may be empty.

    Raises:
        ConfigError: the file or a column is missing, a row has neither path nor text, an emotion is unknown, or a sound
            file is an augmented copy.
    """
    manifest = Path(manifest)
    turns = [_turn(manifest, row) for row in read_rows(manifest, COLUMNS)]
    copies = [turn.name for turn in turns if turn.augmented]
    if copies:
        raise ConfigError(
            f"'{manifest}' names {len(copies):,} augmented copies ({copies[0]}), which are trained on and never scored:"
            f" leave them out or, if they are the published recordings, say 'no' in a column '{AUGMENTED}'."
        )
    return turns


def _turn(manifest: Path, row: Row) -> Turn:
    line, cells = row
    path, text = cells["path"], cells["text"]
    if not path and not text:
        raise ConfigError(f"'{manifest}' line {line} has neither path nor text: fill in one of them.")
    truth = emotion_of(manifest, line, cells["emotion"])
    audio = manifest.parent / path if path else None
    said = is_augmented(manifest, line, cells)
    augmented = audio is not None and (_listed_as_copy(audio) if said is None else said)
    return Turn(path or f"line {line}", audio, text, truth, cells["speaker"], cells.get("corpus"), augmented)


def _listed_as_copy(audio: Path) -> bool:
    """Whether the manifest of the data folder that a sound file lies in lists it as an augmented copy."""
    audio = audio.resolve()
    return any(audio in _copies_below(folder) for folder in audio.parents if (folder / MANIFEST).is_file())


@cache
def _copies_below(data: Path) -> frozenset[Path]:
    try:
        return frozenset((data / clip.path).resolve() for clip in read_manifest_rows(data) if clip.augmented)
    except ConfigError:  # a file of that name with other columns, such as the table of turns itself
        return frozenset()


def score(
    analyzer: EmotionAnalyzer, turns: Iterable[Turn], modality: str = "both", channel: str | None = None
) -> tuple[Predictions, list[Skipped]]:
    """Analyse turns by voice, words, or both where both are there; what cannot be analysed is skipped.

    Of stereo recordings `channel` is heard, or the one with a voice; two voices and no choice are skipped.

    Raises:
        ConfigError: none could be analysed.
    """
    scored: list[Turn] = []
    probabilities = []
    skipped = []
    for turn in turns:
        found = _analyse(analyzer, turn, modality, channel)
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            scored.append(turn)
            probabilities.append(found)
    if not scored:
        first = skipped[0]
        raise ConfigError(f"None of {len(skipped)} turns could be analysed; the first, {first.name}: {first.reason}")
    predictions = Predictions(
        paths=[turn.name for turn in scored],
        speakers=[turn.speaker for turn in scored],
        truth=np.array([turn.truth for turn in scored], dtype=np.int64),
        probabilities=np.stack(probabilities),
    )
    return predictions, skipped


def _analyse(analyzer: EmotionAnalyzer, turn: Turn, modality: str, channel: str | None) -> FloatArray | Skipped:
    audio = None if modality == "text" else turn.audio
    text = None if modality == "voice" else turn.text or None
    if audio is None and text is None:
        return Skipped(turn.name, "has no words." if modality == "text" else "has no sound file.")
    try:
        estimate = analyzer.analyze(audio=audio, text=text, channel=channel)
    except (AudioError, TextError) as error:
        return Skipped(turn.name, str(error))
    if not estimate.probabilities:
        return Skipped(turn.name, "holds nothing that the models can judge.")
    return as_array(estimate.probabilities)


def trained_on(analyzer: EmotionAnalyzer, modality: str = "both") -> dict[str, list[str]]:
    """The models that judge, by name, with the corpora that they say they were trained on."""
    found = {}
    if analyzer.acoustic is not None and modality != "text":
        found[analyzer.acoustic.name] = list(analyzer.acoustic.settings.get("corpora", ()))
    if analyzer.text is not None and modality != "voice":
        found[analyzer.text.folder.name] = list(analyzer.text.folder.settings.get("corpora", ()))
    return found


def known_corpora(analyzer: EmotionAnalyzer, turns: Sequence[Turn], modality: str = "both") -> list[str]:
    """The corpora among the turns that a model was trained on, so that figures of them flatter it.

    A turn's corpus is that of the manifest's column; without one, a folder of its path that is named like a corpus.
    """
    trained = {name for corpora in trained_on(analyzer, modality).values() for name in corpora}
    return sorted({name for turn in turns for name in _corpora(turn) if name in trained})


def _corpora(turn: Turn) -> Iterator[str]:
    if turn.corpus is not None:
        yield turn.corpus.casefold()
    elif turn.audio is not None:
        yield from (folder.casefold() for folder in turn.audio.absolute().parts)
