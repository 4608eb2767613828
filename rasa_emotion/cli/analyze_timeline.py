"""`rasa-emotion analyze --timeline`: each recording window by window, as tables, CSV, JSON or tags."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text  # a path may hold what looks like markup

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.cli.analyze_many import FIGURES, Form, tagged, warn
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.timeline import Span, timeline

NUMBERS = FIGURES[1:]


@dataclass
class Heard:
    """What a recording's windows said, or one sentence why it could not be heard."""

    path: Path
    windows: list[Span] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: str | None = None


def show_timelines(
    analyzer: EmotionAnalyzer,
    files: Sequence[Path],
    form: Form | None,
    *,
    channel: str | None,
    span_secs: float,
    as_json: bool,
    alone: bool,
) -> int:
    """Write the windows of each recording, in order, and return how many could not be heard.

    Args:
        analyzer: hears them.
        files: the recordings.
        form: how they are written; a table each by default.
        channel: of stereo recordings, whom to hear.
        span_secs: length of a window.
        as_json: one JSON object for the only recording.
        alone: a single recording was named, so that what is wrong with it ends the command.

    Raises:
        AudioError: the only recording cannot be heard.
    """
    failed = 0
    write = _json_line if as_json else _WRITERS[form or Form.table]
    if form is Form.csv:
        csv.writer(sys.stdout).writerow(["path", "start_secs", "end_secs", *FIGURES, "speech_secs", *EMOTIONS, "error"])
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("")
        for file in files:
            heard = Heard(file)
            try:
                for span in timeline(analyzer, file, span_secs=span_secs, channel=channel, notes=heard.warnings):
                    heard.windows.append(span)
                    bar.update(task, description=f"{file.name}: {clock(span.end_secs)}")
            except RasaEmotionError as error:
                if alone:
                    raise
                heard.error = str(error)
                failed += 1
            write(heard)
            if write is not _json_line:
                warn([*heard.warnings, *([heard.error] if heard.error and write is not _csv else [])])
    return failed


def clock(secs: float) -> str:
    """Minutes and seconds, and hours where there are some.

    >>> clock(65.0), clock(3725.5)
    ('1:05', '1:02:05.5')
    """
    hours, rest = divmod(round(secs, 1), 3600)
    minutes, seconds = divmod(rest, 60)
    shown = f"{seconds:04.1f}".removesuffix(".0")
    return f"{int(hours)}:{int(minutes):02}:{shown}" if hours else f"{int(minutes)}:{shown}"


def _table(heard: Heard) -> None:
    if heard.error is not None:
        return
    table = Table("from", "to", "emotion", "confidence", "valence", "arousal", "speech")
    for span in heard.windows:
        estimate = span.estimate
        numbers = (f"{getattr(estimate, name):.2f}" for name in NUMBERS)
        speech = f"{speech_secs(estimate):.1f} s"
        table.add_row(clock(span.start_secs), clock(span.end_secs), estimate.emotion, *numbers, speech)
    console = Console()
    console.print(Text(str(heard.path)), soft_wrap=True)
    console.print(table)


def _csv(heard: Heard) -> None:
    writer = csv.writer(sys.stdout)
    for span in heard.windows:
        estimate = span.estimate
        figures = [getattr(estimate, name) for name in FIGURES]
        shares = [estimate.probabilities.get(name, "") for name in EMOTIONS]
        writer.writerow([heard.path, span.start_secs, span.end_secs, *figures, speech_secs(estimate), *shares, ""])
    if heard.error is not None:
        writer.writerow([heard.path, *[""] * (3 + len(FIGURES) + len(EMOTIONS)), heard.error])


def _json_line(heard: Heard) -> None:
    if heard.error is not None:
        found: dict[str, object] = {"path": str(heard.path), "error": heard.error}
    else:
        windows = [span.to_dict() for span in heard.windows]
        found = {"path": str(heard.path), "windows": windows, "warnings": heard.warnings}
    print(json.dumps(found), flush=True)


def _tags(heard: Heard) -> None:
    for span in heard.windows:
        when = f"{clock(span.start_secs)}-{clock(span.end_secs)}"
        print(tagged(span.estimate.emotion, f"{heard.path} {when}"), flush=True)


def speech_secs(estimate: EmotionEstimate) -> float:
    """Seconds in which a voice was heard; 0 where none was."""
    voice = estimate.evidence.get("acoustic")
    return 0.0 if voice is None else float(voice.quality.get("speech_secs", 0.0))


_WRITERS = {Form.table: _table, Form.csv: _csv, Form.jsonl: _json_line, Form.tags: _tags}
