"""How many times faster than real time one core scores recorded calls: decoding, voice activity, windows of 4 s.

A caller, said by espeak-ng, speaks all the time, or half of it as in a telephone call. Each repeat scores every
recording once, so that whatever else the machine does slows all of them; CPU time counts, and the figure is the median
over the repeats of seconds of audio per second of CPU. Beside the whole stand its first steps alone: decoding, and
decoding with the search for turns. No recogniser; one thread.

    python benchmarks/archive.py              # a table; --json and --markdown for programs and documents
    python benchmarks/archive.py --repeats 20 --secs 600
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.figures import machine, median
from benchmarks.printing import repeated, run, shown
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.archive.call import WINDOW_SECS, score_call
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.turns import spoken_turns
from rasa_emotion.audio import load_audio
from rasa_emotion.audio.decode import stream_blocks

SECS = 300.0
GOAL = 200.0
"""Times real time on one core."""

WORDS = (
    "I have been waiting for an hour and nobody has called back.",
    "The router you sent me last week does not work, and I have tried everything in the manual.",
    "Yes, my name is on the contract, and no, I do not want another appointment.",
    "That would be very kind of you, thank you so much for your help today.",
)
ALL, TURNS, DECODING = "everything", "decoding and turns", "decoding"


def speech() -> NDArray[np.float32]:
    """The sentences one after another, 16 kHz. Raises SystemExit without espeak-ng."""
    said = []
    for number, words in enumerate(WORDS):
        command = ["espeak-ng", "-v", f"en-us+f{number + 1}", "--stdout", words]
        try:
            said.append(load_audio(subprocess.run(command, check=True, capture_output=True).stdout).samples)
        except FileNotFoundError:
            raise SystemExit("The benchmark's voice is espeak-ng's: apt-get install espeak-ng.") from None
    return np.concatenate(said)


def recordings(folder: Path, secs: float) -> dict[str, tuple[Path, ScoreOptions]]:
    """The recordings of a length, by what they are, and how they are scored."""
    said = speech()
    call = np.concatenate([said, np.zeros(len(said), np.float32)])
    noise = np.random.default_rng(0).normal(0, 1e-3, round(secs * 16_000)).astype(np.float32)
    always, half = (np.resize(part, len(noise)) + noise for part in (said, call))
    narrow = half[::2]
    both = np.stack([narrow, np.roll(narrow, len(said) // 2)], axis=1)
    made = {
        "speech throughout, 16 kHz WAV": ("always.wav", always, 16_000, "PCM_16", None),
        "half speech, 16 kHz WAV": ("half.wav", half, 16_000, "PCM_16", None),
        "half speech, 8 kHz mu-law WAV": ("ulaw.wav", narrow, 8_000, "ULAW", None),
        "the caller's channel of stereo, 8 kHz mu-law WAV": ("stereo.wav", both, 8_000, "ULAW", "left"),
        "half speech, 16 kHz FLAC": ("half.flac", half, 16_000, "PCM_16", None),
        "half speech, 16 kHz MP3": ("half.mp3", half, 16_000, "MPEG_LAYER_III", None),
    }
    found = {}
    for name, (file, samples, rate, subtype, channel) in made.items():
        soundfile.write(folder / file, samples, rate, subtype=subtype)
        found[name] = (folder / file, ScoreOptions(channel=channel))
    return found


def steps(analyzer: EmotionAnalyzer, path: Path, options: ScoreOptions) -> dict[str, Callable[[], object]]:
    """The whole and its first steps."""

    def blocks() -> Any:
        return stream_blocks(path, channel=options.channel)

    def whole() -> None:
        error = score_call(analyzer, path, options).call["error"]
        if error is not None:
            raise SystemExit(error)

    return {
        ALL: whole,
        TURNS: lambda: sum(len(turn.samples) for turn in spoken_turns(blocks())),
        DECODING: lambda: sum(len(block) for block in blocks()),
    }


def measure(repeats: int, secs: float, models: Path | None = None) -> dict[str, Any]:
    """Everything that is printed."""
    around, analyzer = machine(), EmotionAnalyzer.load(models)
    with TemporaryDirectory() as folder:
        files = recordings(Path(folder), secs)
        calls = {
            (name, step): call
            for name, (path, options) in files.items()
            for step, call in steps(analyzer, path, options).items()
        }
        factors: dict[tuple[str, str], list[float]] = {one: [] for one in calls}
        for repeat in shown("archive")(range(repeats + 1)):
            for one, call in calls.items():
                start = time.process_time()
                call()
                if repeat:  # the first one warms up
                    factors[one].append(secs / (time.process_time() - start))
        scored = {name: score_call(analyzer, path, options) for name, (path, options) in files.items()}
    return {
        "machine": around,
        "models": analyzer.checksum[:12],
        "repeats": repeats,
        "secs": secs,
        "goal": GOAL,
        "speech": {name: round(one.call["speech_secs"] / secs, 3) for name, one in scored.items()},
        "times_real_time": {
            name: {step: median(factors[name, step]) for step in (ALL, TURNS, DECODING)} for name in files
        },
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    around = found["machine"]
    lines = [
        f"Calls of {found['secs']:.0f} s on one thread of {around['processor']} ({around['cores']} cores, load "
        f"{around['load_average']}); models {found['models']}; windows of {WINDOW_SECS:.0f} s side by side, no "
        f"recogniser. Seconds of audio per second of CPU: medians of {found['repeats']} interleaved repeats with 95 % "
        f"bootstrap intervals. The goal is {found['goal']:.0f}.",
        "",
        f"| recording | speech | {ALL} | {TURNS} | {DECODING} |",
        "|---|---|---|---|---|",
    ]
    for name, row in found["times_real_time"].items():
        cells = [f"{row[step]['median']:,.0f}" for step in (TURNS, DECODING)]
        whole = f"{row[ALL]['median']:,.0f} ({row[ALL]['low']:,.0f} to {row[ALL]['high']:,.0f})"
        lines.append(f"| {name} | {100 * found['speech'][name]:.0f} % | {whole} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    arguments = repeated(__doc__, 10, "one that does not")
    arguments.add_argument("--secs", type=float, default=SECS, help="length of each recording (300)")
    run(arguments, lambda options: measure(options.repeats, options.secs, options.models), markdown)


if __name__ == "__main__":
    main()
