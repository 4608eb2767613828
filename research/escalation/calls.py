"""What simulated calls are drawn from: the evidence of each clip and of each test sentence, by models that have not
seen them: `python -m research.escalation.calls models --acoustic acoustic --data ../shared/data`.

The file `calls.npz` beside each model ships with it, so that `rasa-emotion simulate` needs no recordings.
"""

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.audio import Waveform, to_telephone
from rasa_emotion.corpora.manifest import read_manifest
from rasa_emotion.emotions import EMOTIONS, as_array
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import Evidence
from rasa_emotion.evaluation.calls import CALLS_FILE, CLEAN, ORDINARY, TELEPHONE, Bank, write_bank
from rasa_emotion.fusion.trust import SNR
from rasa_emotion.model_folder import sha256
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import MODEL_FILE
from rasa_emotion.training.acoustic.clips import as_float, audible, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.outoffold import Condition, conditions
from rasa_emotion.training.voice.material import read_samples, read_sounds
from research.escalation.asking import asked
from research.fusion.material import CORPUS, Recording, fold_models

NOISE = "noise10"
ORDINARY_CORPORA = ("digits", "calls")
SENTENCES = Path("tests/data/customer_utterances/test.csv")


def hear(folder: Path, data: Path, cache: Path) -> Bank:
    """Every clip as it is, and over the telephone in noise, by the model that was not trained on its speaker.

    Raises:
        ConfigError: the recordings are missing.
        ModelError: the model folder cannot be used.
    """
    clips = [clip for clip in read_manifest(data, corpora=[CORPUS]) if clip.emotion is not None]
    sounds = clip_sounds(clips, data, cache)
    models = fold_models(folder, Recording(folder / MODEL_FILE, cache))
    heard = {CLEAN: conditions([])["clean"], TELEPHONE: _telephone(noise_sounds(data, cache, held_out=True))}
    items = [
        _Item(clip.path, clip.emotion or "", clip.speaker, clip.fold, as_float(sounds[clip.path]))
        for clip in audible(clips, sounds)
    ]
    items += ordinary_items(data)
    found: list[list[Evidence]] = []
    for name, disturb in heard.items():
        row = []
        for item in tqdm(items, desc=name, mininterval=5):
            model = models[item.fold if item.fold in models else None]
            row.append(model.classify(disturb(Waveform(item.samples), item.name)))
        found.append(row)
    return _bank(folder, tuple(heard), [(item.emotion, item.group) for item in items], found)


@dataclass(frozen=True)
class _Item:
    """A sound of the bank: its name, emotion, group, fold (from 1) and 16 kHz samples."""

    name: str
    emotion: str
    group: str
    fold: int | None
    samples: NDArray[np.float32]


def ordinary_items(data: Path) -> list[_Item]:
    """Ordinary speech of the data folder, each by the fold that never heard its speaker or call."""
    found = [sound for sound in read_sounds([data]) if sound.clip.corpus in ORDINARY_CORPORA]
    return [
        _Item(sound.name, "neutral", ORDINARY + sound.clip.speaker, sound.fold + 1, read_samples(sound))
        for sound in tqdm(found, desc="ordinary speech", mininterval=5)
    ]


def read(folder: Path, sentences: Path) -> Bank:
    """Every sentence by the text model; the group of a sentence is its style.

    Raises:
        ModelError: the model folder cannot be used.
    """
    classifier = TextClassifier.load(folder)
    with sentences.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = [classifier.classify(row["text"]) for row in tqdm(rows, desc="read", mininterval=5)]
    return _bank(folder, (CLEAN,), [(row["emotion"], row["style"]) for row in rows], [found])


def _telephone(noises: Sequence[NDArray[np.int16]]) -> Condition:
    noisy = conditions(noises)[NOISE]
    return lambda waveform, path: to_telephone(noisy(waveform, path))


def _bank(
    folder: Path, names: tuple[str, ...], rows: Sequence[tuple[str, str]], found: Sequence[Sequence[Evidence]]
) -> Bank:
    return Bank(
        conditions=names,
        labels=np.array([EMOTIONS.index(emotion) for emotion, _ in rows]),
        groups=np.array([group for _, group in rows]),
        probabilities=np.array([[as_array(piece.probabilities) for piece in row] for row in found], dtype=np.float32),
        reliability=np.array([[piece.reliability for piece in row] for row in found], dtype=np.float32),
        snr=np.array([[piece.quality.get(SNR, np.nan) for piece in row] for row in found], dtype=np.float32),
        name=folder.name,
        model=sha256(folder / MODEL_FILE),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = asked("calls", __doc__)
    parser.add_argument("--sentences", type=Path, default=SENTENCES, help="CSV with text, emotion and style")
    options = parser.parse_args(arguments)
    try:
        acoustic, text = options.models / options.acoustic, options.models / "text"
        write_bank(text / CALLS_FILE, read(text, options.sentences))
        write_bank(acoustic / CALLS_FILE, hear(acoustic, options.data, options.cache))
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
