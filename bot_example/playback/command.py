"""How each command of the example bot ends: its error in one sentence, and nothing left running behind it."""

import signal
import sys
from collections.abc import Callable

import typer
from rich.console import Console

from rasa_emotion.errors import RasaEmotionError


def run(command: Callable[..., None]) -> int:
    """Run a command with the arguments of this process; its exit status. Ctrl-C is the usual end of one that serves."""
    # Without this, a polite kill would leave the server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        typer.run(command)
    except RasaEmotionError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0
