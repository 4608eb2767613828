"""Many recordings at once: `rasa-emotion analyze *.wav FOLDER`, as a table, CSV or JSON lines."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text  # a path may hold what looks like markup

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio.kinds import SUFFIXES
from rasa_emotion.emotions import EMOTIONS, UNKNOWN
from rasa_emotion.errors import ConfigError, RasaEmotionError

FIGURES = ("emotion", "confidence", "valence", "arousal")


class Form(str, Enum):
    """How the answers are written."""

    table = "table"
    csv = "csv"
    jsonl = "jsonl"
    tags = "tags"


def tagged(emotion: str, text: str) -> str:
    """A line of text with its emotion before it, as prompts of language models and speech engines take it.

    >>> tagged("angry", "Where is my order?")
    '[angry] Where is my order?'
    """
    return f"[{emotion}] {' '.join(text.split())}"


def warn(sentences: Sequence[str]) -> None:
    """One line on standard error each."""
    for sentence in sentences:
        Console(stderr=True, soft_wrap=True).print(sentence, style="yellow", markup=False, highlight=False)


def recordings(paths: Sequence[Path]) -> list[Path]:
    """The files, and those of the folders with all that is in them, in the order of their names; each once.

    Raises:
        ConfigError: a path does not exist, or a folder holds no recording.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise ConfigError(f"'{path}' does not exist; name sound files or folders that hold some.")
        inside = [path]
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not inside:
            raise ConfigError(f"'{path}' holds no recording; its files should end with .wav, .flac, .mp3 or the like.")
        found.update(dict.fromkeys(inside))
    return list(found)


def analyze_many(analyzer: EmotionAnalyzer, files: Sequence[Path], form: Form, channel: str | None = None) -> int:
    """Write one answer for each file, in order, and return how many could not be analysed."""
    bar = track(files, "analyse", console=Console(stderr=True), transient=True)
    answers = (_answer(analyzer, file, channel) for file in bar)
    return {Form.table: _table, Form.csv: _csv, Form.jsonl: _jsonl, Form.tags: _tags}[form](answers)


def _answer(analyzer: EmotionAnalyzer, file: Path, channel: str | None) -> dict[str, Any]:
    try:
        return {"path": str(file), **analyzer.analyze(audio=file, channel=channel).to_dict()}
    except RasaEmotionError as error:
        return {"path": str(file), "error": str(error)}


def _table(answers: Iterator[dict[str, Any]]) -> int:
    table = Table("recording", "emotion", "confidence", "valence", "arousal")
    failed, told = 0, list[str]()
    for answer in answers:
        if "error" in answer:
            failed += 1
            table.add_row(Text(answer["path"]), Text(answer["error"]))
        else:
            numbers = (f"{answer[name]:.2f}" for name in FIGURES[1:])
            table.add_row(Text(answer["path"]), answer["emotion"], *numbers)
            told += answer["warnings"]
    Console().print(table)
    warn(told)
    return failed


def _csv(answers: Iterator[dict[str, Any]]) -> int:
    writer = csv.writer(sys.stdout)
    writer.writerow(["path", *FIGURES, *EMOTIONS, "warnings", "error"])
    failed = 0
    for answer in answers:
        failed += "error" in answer
        probabilities = answer.get("probabilities") or {}
        figures = [answer.get(name, "") for name in FIGURES]
        said = [" ".join(answer.get("warnings", ())), answer.get("error", "")]
        writer.writerow([answer["path"], *figures, *(probabilities.get(name, "") for name in EMOTIONS), *said])
    return failed


def _jsonl(answers: Iterator[dict[str, Any]]) -> int:
    failed = 0
    for answer in answers:
        failed += "error" in answer
        print(json.dumps(answer), flush=True)
    return failed


def _tags(answers: Iterator[dict[str, Any]]) -> int:
    failed = 0
    for answer in answers:
        failed += "error" in answer
        warn([answer["error"]] if "error" in answer else answer["warnings"])
        print(tagged(answer.get("emotion", UNKNOWN), answer["path"]), flush=True)
    return failed
