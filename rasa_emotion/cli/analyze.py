"""`rasa-emotion analyze`: one turn as a table or JSON, or many as JSON lines."""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio.channels import check_channel
from rasa_emotion.cli.analyze_many import Form, analyze_many, recordings
from rasa_emotion.errors import AudioError, ChannelError, ConfigError, RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate

BAR_WIDTH = 30


def analyze(
    recording: Annotated[
        list[Path] | None, typer.Argument(help="Sound file of the turn; or several, or folders that hold some.")
    ] = None,
    *,
    text: Annotated[str | None, typer.Option(help="The words of the turn.")] = None,
    text_confidence: Annotated[
        float | None, typer.Option(help="How sure a speech recogniser is of the words.", min=0, max=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help='Read {"id", "audio", "text", "text_confidence", "channel"} lines on standard input, answer in order.',
        ),
    ] = False,
    channel: Annotated[
        str | None,
        typer.Option(help="Of stereo recordings, whom to hear: left, right or mix. By default the one with a voice."),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="Of several recordings: a table, CSV, or one JSON object a line.")
    ] = Form.table,
    models: Annotated[Path | None, typer.Option(help="Folder with other models than those that ship.")] = None,
    acoustic: Annotated[
        str, typer.Option(help="Acoustic model: acoustic (research only) or acoustic-emogator (any use).")
    ] = "acoustic",
) -> None:
    """Estimate the emotion of a turn from its voice, its words, or both.

    Where the voice cannot be analysed and there are words, they alone decide, and a line on standard error (as JSON,
    the field "warnings") says why. A stereo recording with another voice on each side needs --channel.

    Several recordings, or a folder, give one line each; a recording that cannot be analysed says why, and the exit code
    is then 1.

    Example: rasa-emotion analyze call.wav --text "I have been waiting for an hour!"

    Example: rasa-emotion analyze call.wav --channel left

    Example: rasa-emotion analyze monday/ tuesday/ --format csv > calls.csv
    """
    paths = recording or []
    many = len(paths) > 1 or any(path.is_dir() for path in paths)
    audio = paths[0] if paths and not many else None
    if many and (text is not None or as_json or jsonl):
        raise ConfigError(
            "Several recordings have no common --text, and --format jsonl writes them as JSON; for words of their own "
            'give lines of {"id", "audio", "text"} on standard input with --jsonl.'
        )
    if not many and form is not Form.table:
        raise ConfigError("--format is of several recordings or a folder; for one turn write --json.")
    if jsonl and (audio is not None or text is not None):
        raise ConfigError("--jsonl reads turns from standard input; leave the file and --text out.")
    if jsonl and text_confidence is not None:
        raise ConfigError('--text-confidence is of one turn; with --jsonl write "text_confidence" into each line.')
    if not many and not jsonl and audio is None and text is None:
        raise ConfigError("There is nothing to analyse; name a sound file, --text, or --jsonl.")
    if text is None and text_confidence is not None:
        raise ConfigError("--text-confidence is of the words of a turn; give them with --text, or leave it out.")
    _check_channel(channel, bool(paths) or jsonl)
    files = recordings(paths) if many else []
    analyzer = EmotionAnalyzer.load(models, acoustic=acoustic)
    if many:
        raise typer.Exit(1 if analyze_many(analyzer, files, form, channel) else 0)
    if jsonl:
        lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
        for answer in answer_lines(analyzer, lines, channel):
            print(json.dumps(answer), flush=True)  # ASCII: an identifier may hold what no encoding can write
        return
    estimate = _analyse(analyzer, audio, text, text_confidence, channel)
    for warning in estimate.warnings:
        Console(stderr=True, soft_wrap=True).print(warning, style="yellow", markup=False, highlight=False)
    if as_json:
        print(json.dumps(estimate.to_dict(), ensure_ascii=False))
    else:
        Console().print(as_table(estimate))


def _check_channel(channel: str | None, recorded: bool) -> None:
    if channel is not None and not recorded:
        raise ConfigError("--channel is of a recording; name one, or leave it out.")
    check_channel(channel)


def _analyse(
    analyzer: EmotionAnalyzer,
    audio: str | Path | None,
    text: str | None,
    confidence: float | None,
    channel: str | None,
) -> EmotionEstimate:
    """The estimate; where the voice cannot be analysed and the turn goes on with its words, its warnings say why."""
    try:
        return analyzer.analyze(audio=audio, text=text, text_confidence=confidence, channel=channel)
    except ChannelError:
        raise  # whoever asks can say whom to hear
    except AudioError as error:
        if text is None or not analyzer.has_words(text):
            raise
        estimate = analyzer.analyze(text=text, text_confidence=confidence)
        return replace(estimate, warnings=(f"The voice was not analysed, the words alone decide. {error}",))


def answer_lines(
    analyzer: EmotionAnalyzer, lines: Iterable[str], channel: str | None = None
) -> Iterator[dict[str, Any]]:
    """One answer for each line that is not blank, in order; a line that fails becomes `{"id", "error"}`.

    Where the voice cannot be analysed but there are words, these decide, and the field "warnings" says so.

    Args:
        analyzer: of the turns.
        lines: one JSON object each.
        channel: of stereo recordings in lines that do not name one themselves.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _answer(analyzer, line, number, channel)


def _answer(analyzer: EmotionAnalyzer, line: str, number: int, channel: str | None) -> dict[str, Any]:
    try:
        turn = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"Line {number} is not JSON ({error}); write one object per line."}
    if not isinstance(turn, dict):
        return {"id": None, "error": f'Line {number} is not an object; write {{"id", "audio", "text"}}.'}
    identity, audio, text = turn.get("id"), turn.get("audio"), turn.get("text")
    if not all(value is None or isinstance(value, str) for value in (audio, text)) or (audio is None and text is None):
        return {"id": identity, "error": f'Line {number} needs "audio" (a path) or "text" (words), as strings.'}
    confidence = turn.get("text_confidence")
    if confidence is not None and (isinstance(confidence, bool) or not isinstance(confidence, int | float)):
        return {"id": identity, "error": f'Line {number} has a "text_confidence" that is not a number from 0 to 1.'}
    try:
        chosen = turn.get("channel") or channel
        check_channel(chosen)
        estimate = _analyse(analyzer, audio, text, confidence, chosen)
    except RasaEmotionError as error:
        return {"id": identity, "error": str(error)}
    return {"id": identity, **estimate.to_dict()}


def as_table(estimate: EmotionEstimate) -> Table:
    """A bar per emotion, with what each modality said beside it."""
    likely = f", likely {estimate.conflict_kind}" if estimate.conflict_kind else ""
    conflict = f"; voice and words disagree{likely}" if estimate.conflict else ""
    confused = "" if estimate.confused is None else f", confused {estimate.confused:.2f}"
    language = estimate.foreign_language
    left_out = "" if language is None else f"\nthe words are in another language ({language}) and were left out"
    place = f"valence {estimate.valence:+.2f}, arousal {estimate.arousal:+.2f}"
    table = Table(
        title=f"{estimate.emotion} ({estimate.confidence:.2f}){conflict}",
        caption=f"{estimate.sentiment}, {place}{confused}{left_out}",
    )
    table.add_column("emotion")
    table.add_column("probability", min_width=BAR_WIDTH + 6)
    for modality in estimate.modalities:
        table.add_column({"acoustic": "voice", "text": "words"}[modality], justify="right")
    for emotion, probability in sorted(estimate.probabilities.items(), key=lambda item: -item[1]):
        bar = "█" * round(probability * BAR_WIDTH)
        said = [f"{estimate.evidence[modality].probabilities.get(emotion, 0):.2f}" for modality in estimate.modalities]
        table.add_row(emotion, f"{probability:.2f} {bar}", *said)
    return table
