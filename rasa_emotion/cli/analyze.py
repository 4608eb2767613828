"""`rasa-emotion analyze`: one turn as a table or JSON, or many as JSON lines."""

import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio.channels import check_channel
from rasa_emotion.cli.analyze_lines import analyse_turn, answer_lines, print_lines
from rasa_emotion.cli.analyze_many import Form, analyze_many, recordings, tagged, warn
from rasa_emotion.cli.analyze_timeline import show_timelines
from rasa_emotion.cli.options import AcousticOption, ModelsOption
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.timeline import SPAN_SECS

__all__ = ["analyze", "answer_lines", "as_table"]

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
        Form | None,
        typer.Option(
            "--format",
            help="Of several recordings: a table, CSV, or one JSON object a line. Of anything: tags, such as "
            "'[angry] I have been waiting for an hour!'.",
        ),
    ] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Show each recording window by window, as its voice changes.")
    ] = False,
    window_secs: Annotated[
        float | None, typer.Option(help="Length of a window of --timeline, 1 to 30 seconds; 5 by default.")
    ] = None,
    models: ModelsOption = None,
    acoustic: AcousticOption = "acoustic",
) -> None:
    """Estimate the emotion of a turn from its voice, its words, or both.

    Where the voice cannot be analysed and there are words, they alone decide, and a line on standard error (as JSON,
    the field "warnings") says why. A stereo recording with another voice on each side needs --channel.

    Several recordings, or a folder, give one line each; a recording that cannot be analysed says why, and the exit code
    is then 1.

    Example: rasa-emotion analyze call.wav --text "I have been waiting for an hour!"

    Example: rasa-emotion analyze call.wav --channel left --timeline

    Example: rasa-emotion analyze monday/ tuesday/ --format csv > calls.csv
    """
    paths = recording or []
    many = len(paths) > 1 or any(path.is_dir() for path in paths)
    _check_words(text, text_confidence, jsonl=jsonl, recorded=bool(paths), many=many or timeline)
    _check_form(form, as_json=as_json, jsonl=jsonl, many=many, timeline=timeline)
    _check_timeline(timeline, window_secs, bool(paths))
    _check_channel(channel, bool(paths) or jsonl)
    files = recordings(paths) if many else paths
    analyzer = EmotionAnalyzer.load(models, acoustic=acoustic)
    if timeline:
        shown = show_timelines(
            analyzer, files, form, channel=channel, span_secs=window_secs or SPAN_SECS, as_json=as_json, alone=not many
        )
        raise typer.Exit(1 if shown else 0)
    if many:
        raise typer.Exit(1 if analyze_many(analyzer, files, form or Form.table, channel) else 0)
    if jsonl:
        lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
        print_lines(analyzer, lines, channel, tags=form is Form.tags)
        return
    estimate = analyse_turn(analyzer, paths[0] if paths else None, text, text_confidence, channel)
    warn(estimate.warnings)
    if form is Form.tags:
        print(tagged(estimate.emotion, text or str(paths[0])))
    elif as_json:
        print(json.dumps(estimate.to_dict(), ensure_ascii=False))
    else:
        Console().print(as_table(estimate))


def _check_words(text: str | None, confidence: float | None, *, jsonl: bool, recorded: bool, many: bool) -> None:
    """Raises ConfigError where there is nothing to analyse, or words that belong to no single turn."""
    if many and (text is not None or jsonl):
        raise ConfigError(
            "Several recordings or a timeline have no common --text; for words of their own give lines of "
            '{"id", "audio", "text"} on standard input with --jsonl.'
        )
    if jsonl and (recorded or text is not None):
        raise ConfigError("--jsonl reads turns from standard input; leave the file and --text out.")
    if jsonl and confidence is not None:
        raise ConfigError('--text-confidence is of one turn; with --jsonl write "text_confidence" into each line.')
    if not jsonl and not recorded and text is None:
        raise ConfigError("There is nothing to analyse; name a sound file, --text, or --jsonl.")
    if text is None and confidence is not None:
        raise ConfigError("--text-confidence is of the words of a turn; give them with --text, or leave it out.")


def _check_form(form: Form | None, *, as_json: bool, jsonl: bool, many: bool, timeline: bool) -> None:
    if as_json and form is not None:
        raise ConfigError("--json and --format exclude each other; leave one out.")
    if as_json and many:
        raise ConfigError("Several recordings are written as JSON with --format jsonl.")
    if as_json and jsonl:
        raise ConfigError("--jsonl answers with JSON lines; leave --json out.")
    if jsonl and form not in {None, Form.jsonl, Form.tags}:
        raise ConfigError("--jsonl answers with JSON lines, or with --format tags; leave --format out.")
    if not (many or timeline or jsonl) and form not in {None, Form.table, Form.tags}:
        raise ConfigError(
            "--format is of several recordings, a folder or a timeline; for one turn write --json or --format tags."
        )


def _check_timeline(timeline: bool, window_secs: float | None, recorded: bool) -> None:
    if timeline and not recorded:
        raise ConfigError("--timeline is of recordings; name one, or leave it out.")
    if window_secs is not None and not timeline:
        raise ConfigError("--window-secs is the length of the windows of --timeline; write that too, or leave it out.")


def _check_channel(channel: str | None, recorded: bool) -> None:
    if channel is not None and not recorded:
        raise ConfigError("--channel is of a recording; name one, or leave it out.")
    check_channel(channel)


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
