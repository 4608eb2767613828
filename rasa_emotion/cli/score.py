"""`rasa-emotion score`: archives of recorded calls as tables and a report."""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rasa_emotion.archive.call import Scored
from rasa_emotion.archive.on_ray import score_on_ray
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.pool import score_all
from rasa_emotion.archive.report import PAGE, archive_summary
from rasa_emotion.archive.run import score_archive
from rasa_emotion.cli.analyze_many import recordings
from rasa_emotion.cli.options import AcousticOption, ModelsOption, RecogniserOption, recogniser_options
from rasa_emotion.conversation.rule_options import DEFAULT_OPTIONS, escalation_rules
from rasa_emotion.evaluation.bot_rules import POLICY, rules_of

FAILED_SHOWN = 10


def score(
    calls: Annotated[list[Path], typer.Argument(help="Recordings, or folders that hold some.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the tables and the report; gone on with where it holds some.")],
    channel: Annotated[
        str | None,
        typer.Option(help="The caller's channel of stereo recordings: left or right; or mix, for all that was said."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A bot's config.yml, whose rules of escalation decide; by default the default's."),
    ] = None,
    recogniser: Annotated[
        str,
        typer.Option(help="Of the words, such as whisper; none for the voice alone. docs/recognisers.md lists them."),
    ] = "none",
    recogniser_option: RecogniserOption = None,
    keep_words: Annotated[bool, typer.Option("--keep-words", help="Write the words into the table of turns.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of one thread each; by default one a core of this machine.")
    ] = None,
    on_ray: Annotated[
        bool,
        typer.Option("--ray", help="On the Ray cluster that RAY_ADDRESS names, or on one of this machine (extra ray)."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
    models: ModelsOption = None,
    acoustic: AcousticOption = "acoustic",
) -> None:
    """Hear archives of calls: turns, emotions over time, moods and the escalations that should have been, as Parquet.

    Recordings hold the caller alone, or a channel of their own for the caller, which --channel names. The folder
    goes on where an earlier run ended, however that ended. A recording that cannot be heard says why in its row, and
    the exit code is then 1.

    Example: rasa-emotion score 2026-11/ --channel left --out scored
    """
    options = ScoreOptions(
        channel=channel,
        recogniser=recogniser,
        recogniser_options=recogniser_options(recogniser_option),
        keep_words=keep_words,
        rules=rules_of(config) if config else escalation_rules(POLICY, DEFAULT_OPTIONS),
        models=models,
        acoustic=acoustic,
    )
    paths = [path.resolve() for path in recordings(calls)]
    console = Console(stderr=True)
    logging.basicConfig(format="%(message)s")
    with Progress(
        TextColumn("score"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"),
        console=console, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None)
        hours = [0.0]

        def told(one: Scored) -> None:
            hours[0] += (one.call.get("secs") or 0.0) / 3600
            bar.update(task, advance=1, description=f"{hours[0]:.1f} h of calls")

        found = score_archive(
            list(dict.fromkeys(paths)),
            out,
            options,
            workers=workers or os.cpu_count() or 1,
            begun=lambda count: bar.update(task, total=count),
            told=told,
            scorer=score_on_ray if on_ray else score_all,
        )
    if as_json:
        print(json.dumps(found))
    else:
        _show(found, out / PAGE)
    raise typer.Exit(1 if found["failed"] else 0)


def _show(found: Mapping[str, Any], page: Path) -> None:
    console = Console()
    table = Table(title=archive_summary(found))
    table.add_column("calls")
    table.add_column("number", justify="right")
    table.add_row("heard in this run", f"{found['new']:,}")
    table.add_row("known from earlier runs", f"{found['known']:,}")
    table.add_row("that the rules would have escalated", f"{found['escalated']:,}")
    for mood, count in found["moods"].items():
        table.add_row(f"that ended {mood}", f"{count:,}")
    console.print(table)
    for one in found["failed"][:FAILED_SHOWN]:
        console.print(one["error"], markup=False, highlight=False, soft_wrap=True)
    if len(found["failed"]) > FAILED_SHOWN:
        console.print(f"and {len(found['failed']) - FAILED_SHOWN:,} more, which the report lists", highlight=False)
    console.print(f"The report is in {page}", markup=False, highlight=False, soft_wrap=True)
