"""The command `rasa-emotion`, one file per verb."""

import sys
from typing import NoReturn

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


@app.callback()
def verb() -> None:
    # A command of one verb would not be called by that verb's name: the doctor may be the only one that loads.
    pass


def main() -> None:
    """Entry point: errors for people become one line on standard error and exit code 1."""
    try:
        from rasa_emotion.cli import verbs  # noqa: F401, PLC0415 -- registers the verbs on first use, not on import
    except (ImportError, OSError) as error:
        # The doctor is registered first and says what is broken; all other verbs are of no use now.
        if sys.argv[1:2] != ["doctor"]:
            _stop(f"A package that rasa-emotion needs cannot be loaded ({error}); run 'rasa-emotion doctor'.")
    try:
        app()
    except RasaEmotionError as error:
        _stop(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _stop(f"'{error.filename}' cannot be read or written ({error.strerror}): check the path and its permissions.")


def _stop(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(message, style="red", markup=False, highlight=False)
    sys.exit(1)
