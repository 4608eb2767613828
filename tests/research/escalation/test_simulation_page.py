"""The page on simulated calls."""

import json
from pathlib import Path

from research.escalation.page import document, plot


def test_the_page_and_its_plot_are_what_the_figures_give(repository: Path) -> None:
    docs = repository / "docs"
    found = json.loads((docs / "simulation.json").read_text(encoding="utf-8"))
    assert (docs / "simulation.md").read_text(encoding="utf-8") == document(found)
    assert (docs / "simulation.svg").read_bytes() == plot(found)
