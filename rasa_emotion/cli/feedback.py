"""`rasa-emotion feedback`: what agents said of the emotions."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rasa_emotion.cli.handoff import EndpointsOption, JsonOption
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra

feedback = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="What agents said of the emotions.\n\nExample: rasa-emotion feedback export my_calls",
)


@feedback.callback()
def verb() -> None:
    """What agents said of the emotions.

    Example: rasa-emotion feedback export my_calls
    """


@feedback.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    *,
    endpoints: EndpointsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what agents said as corpora to train from.

    text.csv has the redacted words, speech.csv the sound of the turns, where calls are recorded. Callers who allow no
    analysis are left out.

    Example: rasa-emotion feedback export my_calls
    """
    with needs_extra("handoff", "Feedback"):
        from rasa_emotion.console.training_data import export as write  # noqa: PLC0415 -- needs the extra
        from rasa_emotion.database import create_tables, holds, open_database  # noqa: PLC0415
        from rasa_emotion.endpoints import read_endpoints  # noqa: PLC0415
        from rasa_emotion.handoff.desk_record import DeskRecord  # noqa: PLC0415
        from rasa_emotion.privacy.consent import Consents  # noqa: PLC0415
    settings = read_endpoints(endpoints)
    if not holds(settings.database, "emotion_feedback"):
        raise ConfigError("Nobody has said anything of an emotion yet; agents do at the console's desk.")
    engine = open_database(settings.database)
    create_tables(engine)
    recordings = None if settings.record is None else settings.record.folder
    done = write(DeskRecord(engine).judgements(), Consents.of(settings), out, recordings)
    if as_json:
        print(json.dumps({**asdict(done), "out": str(out)}))
        return
    Console(soft_wrap=True, highlight=False).print(
        f"'{out}' has {done.texts} texts and {done.clips} recorded turns; left out: {done.opted_out} judgements of "
        f"callers who allow no analysis, {done.disagreed} turns on which people disagree.",
        markup=False,
    )
