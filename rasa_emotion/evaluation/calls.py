"""Simulated calls out of evidence that was measured: each turn a clip of the caller and a sentence of a customer.

The protocol is fixed. A call has 8 to 15 turns, one caller and one line. Turns of calm calls are neutral, calm, happy,
surprised, sad and afraid as 50, 15, 15, 10, 5 and 5. Calls that turn angry begin so, turn at a random turn from the
third on, and then stay angry, with one turn in five relapsing. The words are of the turn's emotion; in a quarter of the
calls they are neutral throughout. A quarter of the calls comes over the telephone (8 kHz mu-law) with noise at 10 dB.

Neutral and calm turns, two thirds of a calm call, are heard in recordings of ordinary speech where the bank holds some:
one ordinary speaker a call, since actors who play a neutral voice are easier to tell from angry ones than callers are.

Apart from these stand calls in a level voice: the words are of the turn's emotion, the voice of every turn is neutral.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS, as_probabilities
from rasa_emotion.errors import ModelError
from rasa_emotion.estimate import MODALITIES, EmotionEstimate, Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.fusion.trust import SNR

CALLS_FILE = "calls.npz"
CLEAN, TELEPHONE = "clean", "telephone in noise"

LENGTHS = (8, 15)
CALM_MIX: Mapping[str, float] = MappingProxyType(
    {"neutral": 0.50, "calm": 0.15, "happy": 0.15, "surprise": 0.10, "sad": 0.05, "fear": 0.05}
)
ORDINARY = "ordinary/"
"""Groups of a bank that begin so are speakers of ordinary speech, who lend their voice to neutral and calm turns."""

LENT = tuple(EMOTIONS.index(name) for name in ("neutral", "calm"))

FIRST_ANGRY = 3
"""Number of the first turn that may turn, from 1."""

ANGRY_LEFT = 4
"""A call turns while at least so many turns are left, so that there is something to find."""

RELAPSES, NEUTRAL_WORDS, DISTURBED = 0.20, 0.25, 0.25

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Bank:
    """One modality's evidence of every clip or sentence, by a model that has not seen it.

    Args:
        conditions: names; the first is undisturbed.
        labels: numbers of the emotions, shape [items].
        groups: speaker of the clip, or style of the sentence, shape [items].
        probabilities: shape [conditions, items, 8].
        reliability: shape [conditions, items].
        snr: estimated signal-to-noise ratio in dB; NaN where there is none; shape [conditions, items].
        name: of the model.
        model: SHA-256 of its file.
    """

    conditions: tuple[str, ...]
    labels: Ints
    groups: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    reliability: NDArray[np.float32]
    snr: NDArray[np.float32]
    name: str
    model: str

    def evidence(self, modality: str, condition: int, item: int) -> Evidence:
        """What a turn would bring of an item."""
        said = self.probabilities[condition, item].astype(np.float64)
        snr = float(self.snr[condition, item])
        return Evidence(
            modality,
            as_probabilities(said / said.sum()),
            float(self.reliability[condition, item]),
            self.name,
            quality={} if np.isnan(snr) else {SNR: snr},
        )


@dataclass(frozen=True)
class Call:
    """One call.

    Args:
        caller: whose voice it is.
        emotions: numbers of the emotions, turn by turn.
        clips, sentences: items of the banks, turn by turn.
        disturbed: whether it comes over the telephone in noise.
        neutral_words: whether the words are neutral throughout.
        turned: index of the turn in which the caller gets angry; None in a calm call.
        level: whether the voice stays neutral whatever is said.
    """

    caller: str
    emotions: tuple[int, ...]
    clips: tuple[int, ...]
    sentences: tuple[int, ...]
    disturbed: bool
    neutral_words: bool
    turned: int | None
    level: bool = False

    @property
    def angry(self) -> tuple[bool, ...]:
        """Whether each turn is an angry one of a call that has turned."""
        number = EMOTIONS.index("angry")
        return tuple(emotion == number for emotion in self.emotions)


def draw_calls(voices: Bank, words: Bank, *, count: int, turning: bool, seed: int, level: bool = False) -> list[Call]:
    """So many calls, calm or turning angry; the same seed gives the same calls.

    With `level` they are the same calls in a level voice, without those whose words are neutral: three in four.
    """
    rng = np.random.default_rng(seed)
    voice = np.random.default_rng((seed, 1))  # of its own, so that the words stay those of the other calls
    clips = _by_group_and_label(voices)
    sentences = {label: np.flatnonzero(words.labels == label) for label in range(len(EMOTIONS))}
    callers, ordinary = sorted(clips), _ordinary(voices)
    calls = []
    for _ in range(count):
        caller = callers[rng.integers(len(callers))]
        own = clips[caller]
        if ordinary:
            own = own | dict.fromkeys(LENT, ordinary[rng.integers(len(ordinary))])
        call = _draw(rng, caller, own, sentences, turning=turning)
        if not level:
            calls.append(call)
        elif not call.neutral_words:
            calls.append(_in_level_voice(call, own[LENT[0]], voice))
    return calls


def _draw(
    rng: np.random.Generator,
    caller: str,
    clips: Mapping[int, Ints],
    sentences: Mapping[int, Ints],
    *,
    turning: bool,
) -> Call:
    turns = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
    calm = rng.choice([EMOTIONS.index(name) for name in CALM_MIX], size=turns, p=list(CALM_MIX.values()))
    turned = int(rng.integers(FIRST_ANGRY - 1, turns - ANGRY_LEFT + 1)) if turning else None
    relapses = rng.random(turns) < RELAPSES
    angry = EMOTIONS.index("angry")
    emotions = [
        angry if turned is not None and (turn == turned or (turn > turned and not relapses[turn])) else int(calm[turn])
        for turn in range(turns)
    ]
    neutral_words = bool(rng.random() < NEUTRAL_WORDS)
    disturbed = bool(rng.random() < DISTURBED)
    said = [EMOTIONS.index("neutral")] * turns if neutral_words else emotions
    return Call(
        caller,
        tuple(emotions),
        tuple(int(rng.choice(clips[emotion])) for emotion in emotions),
        tuple(int(rng.choice(sentences[emotion])) for emotion in said),
        disturbed,
        neutral_words,
        turned,
    )


def _in_level_voice(call: Call, neutral: Ints, rng: np.random.Generator) -> Call:
    return replace(call, clips=tuple(int(rng.choice(neutral)) for _ in call.clips), level=True)


def hear_call(
    call: Call, voices: Bank, words: Bank, fusion: Fusion, *, modalities: Sequence[str] = MODALITIES
) -> Iterator[EmotionEstimate]:
    """The estimate of each turn, fused as a bot fuses it that hears and reads, or does one of them alone."""
    condition = voices.conditions.index(TELEPHONE if call.disturbed else CLEAN)
    for clip, sentence in zip(call.clips, call.sentences, strict=True):
        pieces = [voices.evidence("acoustic", condition, clip), words.evidence("text", 0, sentence)]
        yield fusion.fuse(piece for piece in pieces if piece.modality in modalities)


def _by_group_and_label(bank: Bank) -> dict[str, dict[int, Ints]]:
    """Items by speaker and emotion; speakers who lack an emotion that calls need are left out."""
    needed = {EMOTIONS.index(name) for name in (*CALM_MIX, "angry")}
    found = {}
    for group in np.unique(bank.groups):
        own = {label: np.flatnonzero((bank.groups == group) & (bank.labels == label)) for label in needed}
        if all(len(items) for items in own.values()):
            found[str(group)] = own
    return found


def _ordinary(bank: Bank) -> list[Ints]:
    """Items of each speaker of ordinary speech."""
    return [np.flatnonzero(bank.groups == group) for group in np.unique(bank.groups) if group.startswith(ORDINARY)]


def write_bank(file: Path, bank: Bank) -> None:
    """Write a bank, without anything that could be executed."""
    arrays = {field.name: np.asarray(getattr(bank, field.name)) for field in fields(Bank)}
    with file.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def read_bank(file: Path) -> Bank:
    """Read a bank. Raises ModelError where it is missing or cannot be used."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Bank(
            **{
                **arrays,
                "conditions": _texts(arrays["conditions"]),
                "name": str(arrays["name"]),
                "model": str(arrays["model"]),
            }
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise ModelError(
            f"'{file}' holds no evidence for simulated calls ({error}); choose a model folder that ships with it."
        ) from error


def _texts(values: Sequence[object] | NDArray[np.str_]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
