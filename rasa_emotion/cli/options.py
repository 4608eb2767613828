"""Options that several verbs have."""

from pathlib import Path
from typing import Annotated

import typer

ModelsOption = Annotated[Path | None, typer.Option(help="Folder with other models than those that ship.")]
AcousticOption = Annotated[
    str, typer.Option(help="Acoustic model: acoustic (research only) or acoustic-emogator (any use).")
]
