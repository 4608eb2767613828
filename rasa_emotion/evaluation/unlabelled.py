"""Recordings whose emotions nobody knows: what the voice says about them, by the line that they came over.

Nothing here tells whether an answer is right. It tells whether the voice is at home: whether it has an opinion, is sure
of it, calls most of an ordinary day ordinary, and says the same over every line.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio import SAMPLE_RATE, Waveform, is_narrow_band, is_silent, level_db
from rasa_emotion.audio.decode import Source, stream_blocks
from rasa_emotion.audio.kinds import SUFFIXES
from rasa_emotion.emotions import EMOTIONS, UNKNOWN
from rasa_emotion.errors import AudioError, ConfigError
from rasa_emotion.evaluation.turns import Skipped

STRETCH_SECS = 6.0
"""Longer recordings are cut into stretches of this length, each judged as a turn of its own."""

FEWEST_SPEECH_SECS = 0.5
"""A stretch with less speech, such as the other side's turn in a call, is left out."""

ORDINARY = frozenset({"neutral", "calm", UNKNOWN})
NEGATIVE = frozenset({"angry", "disgust", "fear", "sad"})
SURE = 0.5
"""From this confidence on, a negative answer may set something off."""

DRAWS = 2_000
COMPARABLE = 20
"""Groups of fewer turns are listed, but not compared with others."""

Track = Callable[[Sequence[Path]], Iterable[Path]]


@dataclass(frozen=True)
class HeardTurn:
    """What the voice said about one turn.

    Args:
        recording: its path below the folder.
        start_secs: where in the recording it begins.
        emotion: one of the eight or "unknown".
        confidence: of the most probable emotion, 0 to 1, also where the answer is "unknown".
        narrow: whether the line carried nothing above 4 kHz.
        level_db: of the speech, in dB of full scale.
        snr_db: an estimate of the signal-to-noise ratio, -10 to 60.
        speech_secs: in which somebody speaks.
    """

    recording: str
    start_secs: float
    emotion: str
    confidence: float
    narrow: bool
    level_db: float
    snr_db: float
    speech_secs: float

    @property
    def alarming(self) -> bool:
        """Whether it is a negative emotion of which the voice is sure."""
        return self.emotion in NEGATIVE and self.confidence >= SURE


@dataclass(frozen=True)
class Listened:
    """All turns, how many stretches held too little speech to judge, and the recordings that could not be read."""

    turns: Sequence[HeardTurn]
    without_speech: int
    skipped: Sequence[Skipped]


def sound_files(folder: Path) -> list[Path]:
    """The recordings in a folder and those below it, in the order of their paths.

    Raises:
        ConfigError: it is no folder, or there are none.
    """
    if not folder.is_dir():
        raise ConfigError(f"'{folder}' is not a folder; name the one that holds your recordings.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise ConfigError(f"'{folder}' holds no recordings; put sound files there ({', '.join(sorted(SUFFIXES))}).")
    return found


def listen(analyzer: EmotionAnalyzer, folder: Path, *, track: Track = iter, channel: str | None = None) -> Listened:
    """Hear every recording of a folder, `channel` of stereo ones; a file that cannot be read is skipped and named.

    Raises:
        ConfigError: there is no recording, or none in which somebody speaks.
        ModelError: the analyzer has no acoustic model.
    """
    turns: list[HeardTurn] = []
    skipped: list[Skipped] = []
    without_speech = 0
    for path in track(sound_files(folder)):
        name = path.relative_to(folder).as_posix()
        try:
            heard = list(heard_turns(analyzer, path, name, channel))
        except AudioError as error:
            skipped.append(Skipped(name, str(error)))
            continue
        turns += [turn for turn in heard if turn is not None]
        without_speech += heard.count(None)
    if not turns:
        reason = f" ({skipped[0].reason})" if skipped else ""
        raise ConfigError(f"Nobody speaks in the recordings of '{folder}'{reason}; name a folder with callers' turns.")
    return Listened(turns, without_speech, skipped)


def heard_turns(
    analyzer: EmotionAnalyzer, source: Source, name: str, channel: str | None = None
) -> Iterator[HeardTurn | None]:
    """One for each stretch of a recording called `name`, None where hardly anybody speaks. Raises as `listen`."""
    for number, stretch in enumerate(_stretches(source, channel)):
        evidence = None if is_silent(stretch) else analyzer.hear(stretch)
        if evidence is None or evidence.quality.get("speech_secs", 0.0) < FEWEST_SPEECH_SECS:
            yield None
            continue
        estimate = analyzer.fuse([evidence])
        yield HeardTurn(
            recording=name,
            start_secs=number * STRETCH_SECS,
            emotion=estimate.emotion,
            confidence=round(max(estimate.probabilities.values(), default=0.0), 4),
            narrow=is_narrow_band(stretch),
            level_db=level_db(stretch),
            snr_db=float(evidence.quality.get("snr_db", 0.0)),
            speech_secs=float(evidence.quality["speech_secs"]),
        )


def _stretches(source: Source, channel: str | None) -> Iterator[Waveform]:
    """Side by side, each of `STRETCH_SECS` but the last, which is as long as what is left."""
    size = round(STRETCH_SECS * SAMPLE_RATE)
    held = np.zeros(0, np.float32)
    for block in stream_blocks(source, channel=channel):
        held = np.concatenate([held, block])
        while len(held) >= size:
            yield Waveform(held[:size])
            held = held[size:]
    if len(held):
        yield Waveform(held)


GROUPS: dict[str, tuple[tuple[str, Callable[[HeardTurn], bool]], ...]] = {
    "band": (
        ("telephone, up to 4 kHz", lambda turn: turn.narrow),
        ("wide band", lambda turn: not turn.narrow),
    ),
    "level": (
        ("quiet, under -35 dB", lambda turn: turn.level_db < -35),
        ("usual", lambda turn: -35 <= turn.level_db <= -12),
        ("loud, over -12 dB", lambda turn: turn.level_db > -12),
    ),
    "signal to noise": (
        ("under 10 dB", lambda turn: turn.snr_db < 10),
        ("10 to 20 dB", lambda turn: 10 <= turn.snr_db < 20),
        ("20 dB or more", lambda turn: turn.snr_db >= 20),
    ),
    "speech in the turn": (
        ("under 1.5 s", lambda turn: turn.speech_secs < 1.5),
        ("1.5 s or more", lambda turn: turn.speech_secs >= 1.5),
    ),
}
"""How turns are told apart by their line."""


def home_figures(listened: Listened) -> dict[str, Any]:
    """The figures of a report, JSON-safe; shares are 0 to 1.

    Returns:
        "turns", "recordings", "without_speech", "skipped"; "shares" of unknown, ordinary (neutral, calm or unknown) and
        alarming (a negative emotion at a confidence of 0.5 or more), each with a 95 % interval for which whole
        recordings are drawn; "spread" over the eight and unknown; "confidence" as quartiles and a histogram of ten
        bins; "lines" with the groups of turns and their shares.
    """
    turns = listened.turns
    return {
        "turns": len(turns),
        "recordings": len({turn.recording for turn in turns}),
        "without_speech": listened.without_speech,
        "shares": _shares(turns),
        "spread": {name: _share([turn.emotion == name for turn in turns]) for name in (*EMOTIONS, UNKNOWN)},
        "confidence": _confidence(turns),
        "lines": {
            kind: {label: _group([turn for turn in turns if belongs(turn)]) for label, belongs in groups}
            for kind, groups in GROUPS.items()
        },
        "skipped": [{"name": turn.name, "reason": turn.reason} for turn in listened.skipped],
    }


def _share(marks: Sequence[bool]) -> float:
    return round(float(np.mean(marks)), 4) if marks else 0.0


def _marks(turns: Sequence[HeardTurn]) -> dict[str, list[bool]]:
    return {
        "unknown": [turn.emotion == UNKNOWN for turn in turns],
        "ordinary": [turn.emotion in ORDINARY for turn in turns],
        "alarming": [turn.alarming for turn in turns],
    }


def _group(turns: Sequence[HeardTurn]) -> dict[str, Any]:
    shares = {name: _share(marks) if turns else None for name, marks in _marks(turns).items()}
    return {"turns": len(turns), **shares}


def _shares(turns: Sequence[HeardTurn]) -> dict[str, dict[str, float]]:
    """Each share with its interval over recordings; with one recording there is no telling, and it is 0 to 1."""
    names = sorted({turn.recording for turn in turns})
    place = {name: number for number, name in enumerate(names)}
    owner = np.array([place[turn.recording] for turn in turns])
    marks = _marks(turns)
    counts = np.array(
        [np.bincount(owner, weights=np.array(of, np.float64), minlength=len(names)) for of in marks.values()]
    )
    sizes = np.bincount(owner, minlength=len(names))
    low, high = np.zeros(len(counts)), np.ones(len(counts))
    if len(names) > 1:
        generator = np.random.default_rng(0)
        drawn = (generator.integers(len(names), size=len(names)) for _ in range(DRAWS))
        low, high = np.percentile(
            [counts[:, chosen].sum(axis=1) / sizes[chosen].sum() for chosen in drawn], [2.5, 97.5], axis=0
        )
    return {
        name: {"value": _share(of), "low": round(float(low[row]), 4), "high": round(float(high[row]), 4)}
        for row, (name, of) in enumerate(marks.items())
    }


def _confidence(turns: Sequence[HeardTurn]) -> dict[str, Any]:
    values = np.array([turn.confidence for turn in turns])
    lower, median, upper = (round(float(value), 4) for value in np.percentile(values, [25, 50, 75]))
    counts, _ = np.histogram(values, bins=10, range=(0.0, 1.0))
    return {"lower_quartile": lower, "median": median, "upper_quartile": upper, "histogram": counts.tolist()}
