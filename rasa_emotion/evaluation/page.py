"""Pages that are written from figures: a JSON file, the Markdown and the plot that are made of it."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasa_emotion.errors import ConfigError

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """One page.

    Args:
        name: of its files: NAME.json holds the figures, NAME.md the text, NAME.svg the plot.
        subject: what the figures are of.
        measured_by: the module that writes them.
        document, plot: make the text and the plot of the figures.
    """

    name: str
    subject: str
    measured_by: str
    document: Callable[[Found], str]
    plot: Callable[[Found], bytes]

    def write(self, docs: Path) -> None:
        """Write text and plot into the folder `docs`, from the figures there.

        Raises:
            ConfigError: the figures are missing or incomplete.
        """
        file = docs / f"{self.name}.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            text, picture = self.document(found), self.plot(found)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ConfigError(
                f"'{file}' has no figures of {self.subject} ({type(error).__name__}: {error}): run {self.measured_by} "
                "again."
            ) from error
        (docs / f"{self.name}.md").write_text(text, encoding="utf-8")
        (docs / f"{self.name}.svg").write_bytes(picture)

    def publish(self, docs: Path, found: Found) -> None:
        """Write figures, text and plot into the folder `docs`."""
        docs.mkdir(parents=True, exist_ok=True)
        (docs / f"{self.name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        self.write(docs)

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """The command that writes the page again."""
        parser = argparse.ArgumentParser(description=f"Write the page on {self.subject} again from its figures.")
        parser.add_argument("docs", type=Path, help="the folder of the documents")
        self.write(parser.parse_args(arguments).docs)
