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

    def write(self, docs: Path, figures: Path | None = None) -> None:
        """Write text and plot into the folder `docs`, from the file of the figures or else from NAME.json there.

        Raises:
            ConfigError: the figures are missing or incomplete.
        """
        file = figures or docs / f"{self.name}.json"
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

    def publish(self, docs: Path, found: Found, figures: Path | None = None) -> None:
        """Write text and plot into the folder `docs`, and the figures into their file or else there too."""
        docs.mkdir(parents=True, exist_ok=True)
        file = figures or docs / f"{self.name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        self.write(docs, file)

    def main(self, arguments: Sequence[str] | None = None, *, figures: Path | None = None) -> None:
        """The command that writes the page again, from these figures unless it names others."""
        parser = argparse.ArgumentParser(description=f"Write the page on {self.subject} again from its figures.")
        parser.add_argument("docs", type=Path, help="the folder of the documents")
        parser.add_argument("--figures", type=Path, default=figures, help="the file of the figures")
        options = parser.parse_args(arguments)
        self.write(options.docs, options.figures)
