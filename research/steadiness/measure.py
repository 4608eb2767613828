"""How much speech the checks for tones lose, and which sounds are still taken for a voice.

    python -m research.steadiness.measure --data ../shared/data --every 3

Recordings go through `audio.speech_mask`, piece by piece of four seconds, live sound through `audio.speech`. Each is
heard with its checks and without them, where Silero's network alone says what is a voice. Speech is every n-th clip of
each corpus, as it is and through 8 kHz mu-law; its pieces are those in which the network finds a voice. The share of
frames that a voice needs was chosen on others of the clips, 120 of each corpus.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from rasa_emotion.audio import Waveform, highpass, load_audio, speech_mask
from rasa_emotion.audio import steadiness as steady
from rasa_emotion.audio import voice as recorded
from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.speech import SpeechDetector
from rasa_emotion.audio.telephone import to_telephone
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.evaluation.markdown import table
from research.steadiness.sounds import families

OUT = Path(__file__).with_name("result.json")
LISTS = ("speech.csv", "speech2.csv")
MOST_SECS = 60.0
"""Of one clip; calls are minutes long."""

TAIL_SECS = 1.0
"""Of silence behind a clip, so that a live turn that begins in it also ends."""

_PIECE = round(recorded.PIECE_SECS / FRAME_SECS)


@dataclass
class Tally:
    """What was found in the sounds of one kind.

    Args:
        sounds: how many were heard.
        pieces: of recordings in which the network finds a voice.
        lost: of these, with the checks.
        short, long: highest steadiness of a piece at the short look, and at the long one of those that get it.
        looked: pieces that get the long look.
        turns: sounds in which a live turn begins without the check.
        turns_lost: of these, with it.
        later_ms: how much later the first turn of each begins to be known.
    """

    sounds: int = 0
    pieces: int = 0
    lost: int = 0
    short: float = -np.inf
    long: float = -np.inf
    looked: int = 0
    turns: int = 0
    turns_lost: int = 0
    later_ms: list[float] = field(default_factory=list)


def hear(samples: NDArray[np.float32], tally: Tally) -> None:
    """Add one sound, 16 kHz, float32, shape [samples]."""
    tally.sounds += 1
    _hear_recorded(samples, tally)
    _hear_live(samples, tally)


def _hear_recorded(samples: NDArray[np.float32], tally: Tally) -> None:
    clean = highpass(Waveform(samples))
    with _network_alone():
        before = speech_mask(clean)
    after = speech_mask(clean)
    for start in range(0, len(before), _PIECE):
        spoken = before[start : start + _PIECE]
        if not spoken.any():
            continue
        tally.pieces += 1
        tally.lost += not after[start : start + _PIECE].any()
        sound = clean.samples[round(start * FRAME_SECS * SAMPLE_RATE) :][: round(recorded.PIECE_SECS * SAMPLE_RATE)]
        short = steady.steadiness(sound, spoken, steady.SHORT)
        tally.short = max(tally.short, short)
        if short > steady.WORTH_A_LONG_LOOK:
            tally.looked += 1
            tally.long = max(tally.long, steady.steadiness(sound, spoken, steady.LONG))


def _hear_live(samples: NDArray[np.float32], tally: Tally) -> None:
    sound = np.concatenate([samples, np.zeros(round(TAIL_SECS * SAMPLE_RATE), np.float32)])
    with patch.object(SpeechDetector, "_is_voice", lambda self, end: True):
        before = _starts(sound)
    if not before:
        return
    after = _starts(sound)
    tally.turns += 1
    tally.turns_lost += not after
    if after:
        tally.later_ms.append(1000 * (after[0] - before[0]))


def _starts(samples: NDArray[np.float32]) -> list[float]:
    return [event.decided_secs for event in SpeechDetector().feed(samples) if event.kind == "start"]


def _network_alone() -> ExitStack:
    """While it is open, `speech_mask` believes the network."""
    stack = ExitStack()
    stack.enter_context(patch.multiple(recorded, SURE=recorded.NEEDED, LEAST_SHARE=0.0))
    stack.enter_context(patch.object(recorded, "is_steady", lambda samples, spoken: False))
    return stack


def clips(data: Path, every: int) -> Iterator[tuple[str, Path]]:
    """Every n-th clip of each corpus, with its corpus."""
    seen: dict[str, int] = defaultdict(int)
    for name in LISTS:
        with (data / name).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                seen[row["corpus"]] += 1
                if (seen[row["corpus"]] - 1) % every == 0:
                    yield row["corpus"], data / row["path"]


def speech(data: Path, every: int) -> dict[str, Tally]:
    """Each corpus, and the same on the telephone."""
    found: dict[str, Tally] = {}
    for corpus, path in track(list(clips(data, every)), "Speech", console=Console(stderr=True)):
        waveform = load_audio(path)
        samples = waveform.samples[: round(MOST_SECS * SAMPLE_RATE)]
        hear(samples, found.setdefault(corpus, Tally()))
        line = to_telephone(Waveform(samples)).samples
        hear(line, found.setdefault(f"{corpus}, mu-law", Tally()))
    return found


def sounds(secs: float) -> dict[str, Tally]:
    """Each family of sounds, cut to a length."""
    found: dict[str, Tally] = {}
    for name, samples in track(list(families()), f"Sounds of {secs} s", console=Console(stderr=True)):
        hear(samples[: round(secs * SAMPLE_RATE)], found.setdefault(f"{name}, {secs:g} s", Tally()))
    return found


def as_rows(found: dict[str, Tally]) -> list[dict[str, object]]:
    return [
        {
            "kind": name,
            "sounds": tally.sounds,
            "pieces": tally.pieces,
            "lost": tally.lost,
            "highest_short": round(tally.short, 4) if tally.pieces else None,
            "long_looks": tally.looked,
            "highest_long": round(tally.long, 4) if tally.looked else None,
            "turns": tally.turns,
            "turns_lost": tally.turns_lost,
            "later_ms_mean": round(float(np.mean(tally.later_ms)), 1) if tally.later_ms else None,
            "later_ms_most": round(float(np.max(tally.later_ms))) if tally.later_ms else None,
        }
        for name, tally in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the corpora")
    parser.add_argument("--every", type=int, default=3, help="of the clips of each corpus")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    result = {
        "date": f"{datetime.now():%Y-%m-%d}",
        "every": options.every,
        "speech": as_rows(speech(options.data, options.every)),
        "sounds": as_rows(sounds(4.0)) + as_rows(sounds(1.5)),
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for part in ("speech", "sounds"):
        rows = result[part]
        print(table(list(rows[0]), [[str(cell) for cell in row.values()] for row in rows]))


if __name__ == "__main__":
    main()
