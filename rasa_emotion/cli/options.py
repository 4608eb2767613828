"""Options that several verbs have."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from rasa_emotion.errors import ConfigError

ModelsOption = Annotated[Path | None, typer.Option(help="Folder with other models than those that ship.")]
AcousticOption = Annotated[
    str, typer.Option(help="Acoustic model: acoustic (research only) or acoustic-emogator (any use).")
]
RecogniserOption = Annotated[
    list[str] | None, typer.Option(help="NAME=VALUE of the recogniser; may be given several times.")
]


def recogniser_options(given: Sequence[str] | None) -> dict[str, Any]:
    """NAME=VALUE, the value as JSON where it is some.

    Raises:
        ConfigError: it is written otherwise.

    >>> recogniser_options(["beam_size=1", "language=de"])
    {'beam_size': 1, 'language': 'de'}
    """
    found: dict[str, Any] = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ConfigError(f"--recogniser-option is '{text}'; write NAME=VALUE, such as beam_size=1.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
