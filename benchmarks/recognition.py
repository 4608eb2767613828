"""Word error rate and cost of the recognisers that run on this machine, heard through the interface of live calls.

Sentences of customers are spoken by espeak-ng, and by Flite where it is installed, undisturbed and over an 8 kHz mu-law
line. With `--data` people are heard as well: digits read over a telephone, and one-word commands called out in homes,
streets and the metro (English ones of IESC). Each clip is a call of its own: silence, the turn, silence.

The error rate is the Levenshtein distance over words as a share of the words that were said; case, punctuation and the
writing of numbers and contractions do not count. CPU seconds are those of all threads of this process
(`time.process_time`), for one second of speech and for one turn; they depend on what else the machine does far less
than wall time. "sure" is the mean confidence of turns that are right and wrong.

    python benchmarks/recognition.py                          # a table; --json for programs, --markdown for documents
    python benchmarks/recognition.py --recogniser whisper --recogniser whisper:window_secs=30 --most 24
    python benchmarks/recognition.py --data ../shared/data
"""

import argparse
import asyncio
import csv
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from rasa_emotion.audio import SAMPLE_RATE, load_audio, to_telephone
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.voice.recognisers import Recogniser, Turn, load_recogniser

SENTENCES = Path(__file__).parent.parent / "rasa_emotion" / "training" / "text" / "customer_sentences.csv"
DEFAULT = ("whisper", "moonshine")
ESPEAK_VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb-scotland")
FLITE_VOICES = ("slt", "rms")
MOST_WORDS = 16
PAUSE_SECS = 0.5
COMMANDS = frozenset({"yes", "no", "help", "go", "stop", "left", "right", "up", "down", "back", "come", "run", "wait"})
"""English words of IESC; its other commands are Hindi."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TENS = {"twenty": 2, "thirty": 3, "forty": 4, "fifty": 5, "sixty": 6, "seventy": 7, "eighty": 8, "ninety": 9}
SAME = {"oh": "zero", "o": "zero", "okay": "ok", "cannot": "can not", "gonna": "going to", "yeah": "yes", "yep": "yes"}
CONTRACTED = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am", "'d": " would"}


@dataclass(frozen=True)
class Clip:
    """One turn.

    Args:
        material: what kind of speech it is.
        text: what was said.
        samples: 16 kHz.
    """

    material: str
    text: str
    samples: NDArray[np.float32]


def normal(text: str) -> list[str]:
    """The words of a text, however they are written.

    >>> normal("I've got 42, haven't I?")
    ['i', 'have', 'got', 'four', 'two', 'have', 'not', 'i']
    """
    text = text.lower().replace("’", "'").replace("won't", "will not").replace("can't", "can not")
    for short, long in CONTRACTED.items():
        text = text.replace(short, long)
    text = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text)
    words = []
    for word in re.findall(r"[a-z']+", text):
        words += SAME.get(word.strip("'"), word.strip("'")).split()
    return [DIGITS[TENS[word]] if word in TENS else word for word in words if word]


def distance(said: list[str], heard: list[str]) -> int:
    """Words to insert, delete or replace.

    >>> distance(["i", "want", "it"], ["i", "won't", "it", "now"])
    2
    """
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        before, row[0] = row[0], index
        for other, found in enumerate(heard, 1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (word != found))
    return row[-1]


def synthesised(most: int) -> Iterator[Clip]:
    """Customers' sentences, each by one voice of each engine, clean and over the telephone."""
    with SENTENCES.open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    texts = [text for text in texts if 3 <= len(text.split()) <= MOST_WORDS and not re.search(r"\d", text)]
    chosen = texts[:: max(1, len(texts) // most)][:most]
    for index, text in enumerate(chosen):
        for engine, heard in _spoken(text, index):
            yield Clip(f"{engine}", text, heard.samples)
            yield Clip(f"{engine}, mu-law", text, to_telephone(heard).samples)


def _spoken(text: str, index: int) -> Iterator[tuple[str, Any]]:
    if shutil.which("espeak-ng") is None:
        raise SystemExit("The benchmark's voice is espeak-ng's: apt-get install espeak-ng.")
    voice = ESPEAK_VOICES[index % len(ESPEAK_VOICES)]
    said = subprocess.run(["espeak-ng", "-v", voice, "--stdout", text], check=True, capture_output=True).stdout
    yield "espeak-ng", load_audio(said)
    if shutil.which("flite") is not None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "said.wav"
            voice = FLITE_VOICES[index % len(FLITE_VOICES)]
            subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(file)], check=True, capture_output=True)
            yield "Flite", load_audio(file)


def recorded(folder: Path, most: int) -> Iterator[Clip]:
    """Digits and commands of people."""
    rows = []
    for name in ("speech.csv", "speech2.csv"):
        if (folder / name).is_file():
            with (folder / name).open(encoding="utf-8") as file:
                rows += list(csv.DictReader(file))
    kinds = {
        "people, digits by telephone": [row for row in rows if row["corpus"] == "digits"],
        "people, commands in noise": [row for row in rows if row["corpus"] == "iesc" and row["text"] in COMMANDS],
    }
    for kind, found in kinds.items():
        for row in found[:: max(1, len(found) // most)][:most]:
            yield Clip(kind, row["text"], load_audio(folder / row["path"]).samples)


async def heard(recogniser: Recogniser, clip: Clip) -> tuple[str, float | None]:
    """The words of a call with one turn, and how sure the recogniser is."""
    await recogniser.start()
    pause = np.zeros(round(PAUSE_SECS * SAMPLE_RATE), np.float32)
    await recogniser.feed(np.concatenate([pause, clip.samples, pause]))
    found = await recogniser.final(Turn(PAUSE_SECS, PAUSE_SECS + len(clip.samples) / SAMPLE_RATE))
    await recogniser.close()
    return found.text, found.confidence


def measure(named: str, clips: list[Clip]) -> list[dict[str, Any]]:
    """A row for each material."""
    name, _, given = named.partition(":")
    options = dict(pair.split("=") for pair in given.split(",")) if given else {}
    numbers = {
        key: json.loads(value) if re.fullmatch(r"\d+(\.\d+)?", value) else value for key, value in options.items()
    }
    asyncio.run(heard(load_recogniser(name, numbers), clips[0]))  # loads the model
    totals: dict[str, dict[str, Any]] = {}
    for clip in track(clips, named, console=Console(stderr=True), transient=True):
        begun = time.process_time()
        text, sure = asyncio.run(heard(load_recogniser(name, numbers), clip))
        cost = time.process_time() - begun
        said = normal(clip.text)
        wrong = distance(said, normal(text))
        row = totals.setdefault(
            clip.material, {"turns": 0, "words": 0, "wrong": 0, "secs": 0.0, "costs": [], "right": [], "doubtful": []}
        )
        row["turns"] += 1
        row["words"] += len(said)
        row["wrong"] += wrong
        row["secs"] += len(clip.samples) / SAMPLE_RATE
        row["costs"].append(cost)
        if sure is not None:
            row["doubtful" if wrong else "right"].append(sure)
    return [{"recogniser": named, "material": material, **_figures(row)} for material, row in totals.items()]


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "turns": row["turns"],
        "words": row["words"],
        "word_error_rate": round(100 * row["wrong"] / row["words"], 1),
        "cpu_per_second": round(sum(row["costs"]) / row["secs"], 3),
        "cpu_per_turn": round(float(np.median(row["costs"])), 2),
        "sure_if_right": round(float(np.mean(row["right"])), 2) if row["right"] else None,
        "sure_if_wrong": round(float(np.mean(row["doubtful"])), 2) if row["doubtful"] else None,
    }


COLUMNS = {
    "recogniser": "recogniser",
    "material": "material",
    "turns": "turns",
    "words": "words",
    "word_error_rate": "words wrong, %",
    "cpu_per_second": "CPU s per s",
    "cpu_per_turn": "CPU s per turn",
    "sure_if_right": "sure, right",
    "sure_if_wrong": "sure, wrong",
}


def cells(row: dict[str, Any]) -> list[str]:
    """A row's values for people."""
    return ["–" if row[key] is None else str(row[key]) for key in COLUMNS]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Word error rate and cost of recognisers on this machine.",
        epilog="Example: python benchmarks/recognition.py --recogniser whisper --data ../shared/data --json",
    )
    parser.add_argument(
        "--recogniser",
        action="append",
        metavar="NAME[:KEY=VALUE,...]",
        help=f"one to measure, with its options; may be given several times (default: {', '.join(DEFAULT)})",
    )
    parser.add_argument("--most", type=int, default=24, help="turns of each kind (default: 24)")
    parser.add_argument("--data", type=Path, help="a data folder with the corpora digits and iesc")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--markdown", action="store_true", help="a table for documents")
    arguments = parser.parse_args()
    clips = list(synthesised(arguments.most))
    if arguments.data is not None:
        clips += recorded(arguments.data, arguments.most)
    try:
        rows = [row for named in arguments.recogniser or DEFAULT for row in measure(named, clips)]
    except RasaEmotionError as error:
        sys.exit(f"Error: {error}")
    if arguments.json:
        print(json.dumps({"rows": rows}, indent=2))
    elif arguments.markdown:
        print("| " + " | ".join(COLUMNS.values()) + " |\n|" + "---|" * len(COLUMNS))
        for row in rows:
            print("| " + " | ".join(cells(row)) + " |")
    else:
        table = Table(*COLUMNS.values())
        for row in rows:
            table.add_row(*cells(row))
        Console().print(table)


if __name__ == "__main__":
    main()
