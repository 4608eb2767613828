"""The command `rasa-emotion`, one file per verb."""

import sys

import typer
from rich.console import Console

from rasa_emotion.errors import RasaEmotionError

app = typer.Typer(
    help="Hear how callers feel: analyse a turn, add the plugin to a Rasa bot, check an installation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point: errors for people become one line on standard error and exit code 1."""
    from rasa_emotion.cli import verbs  # noqa: F401, PLC0415 -- registers the verbs on first use, not on import

    try:
        app()
    except RasaEmotionError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
        sys.exit(1)
