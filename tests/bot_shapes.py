"""Bots of the shapes that are found in public, written afresh, without rasa-emotion: a folder each in `bots/`.

- table: a form whose slots come from entities, from an intent and from any text
- helpdesk: an intent and a reply of its own for the handover, custom actions, a website's channel
- concert: custom actions and stories, policies of Rasa's own choice, a tracker store and a reply service of its own
- german: all of it in another language
- bank: DIET, TED and a response selector; actions and a validated form without a server; slots named as ours
- shop: two stages of asking back, examples and replies in several languages, buttons
"""

from pathlib import Path

FOLDER = Path(__file__).parent / "bots"


def files_of(name: str) -> dict[str, str]:
    """A bot's files, by their paths inside its folder."""
    files = (file for file in sorted((FOLDER / name).rglob("*")) if file.suffix == ".yml")
    return {str(file.relative_to(FOLDER / name)): file.read_text(encoding="utf-8") for file in files}


SHAPES = {folder.name: files_of(folder.name) for folder in sorted(FOLDER.iterdir())}
BANK, CONCERT, GERMAN, HELPDESK, SHOP, TABLE = (
    SHAPES[name] for name in ("bank", "concert", "german", "helpdesk", "shop", "table")
)


def make(shape: dict[str, str], folder: Path) -> Path:
    """Write a bot's files."""
    for name, text in shape.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
