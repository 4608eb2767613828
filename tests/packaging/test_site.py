"""The documentation site: it builds strictly, loads nothing from elsewhere, and every page can be reached."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

LOADING_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}


class Page(HTMLParser):
    """What a page loads when it is opened, and where it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.classes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.classes |= set(found.get("class", "").split())
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in {"script", "img", "iframe", "source", "video", "audio", "embed", "track"} and "src" in found:
            self.loads.append(found["src"])
        if tag == "link" and LOADING_LINKS & set(found.get("rel", "").split()):
            self.loads.append(found.get("href", ""))


def is_external(address: str) -> bool:
    return bool(urlsplit(address).netloc)


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; `strict` in mkdocs.yml turns a broken link, a missing anchor or a page without a place in the
    navigation into an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    found = [path for path in sorted(site.rglob("*.html")) if path.name != "404.html"]
    assert len(found) > 30
    return {path: Page(path.read_text(encoding="utf-8")) for path in found}


def styles(site: Path) -> Iterator[tuple[str, str]]:
    """Addresses that style sheets load."""
    for path in site.rglob("*.css"):
        for address in re.findall(r"""(?:url\(|@import\s+)["']?([^"')\s]+)""", path.read_text(encoding="utf-8")):
            yield path.name, address


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    from_pages = [(path.name, address) for path, page in pages.items() for address in page.loads]
    assert len(from_pages) > 50
    assert [found for found in [*from_pages, *styles(site)] if is_external(found[1])] == []
    # The theme's script fetches these two from elsewhere, and only where a page has such an element.
    assert [path.name for path, page in pages.items() if {"mermaid", "md-source"} & page.classes] == []


def test_every_page_can_be_reached_from_the_first_one(site: Path, pages: dict[Path, Page]) -> None:
    seen: set[Path] = set()
    waiting = [site / "index.html"]
    while waiting:
        here = waiting.pop()
        if here in seen or here not in pages:
            continue
        seen.add(here)
        targets = [unquote(urlsplit(link).path) for link in pages[here].links if not is_external(link)]
        waiting += [(here.parent / target).resolve() for target in targets if target]
    assert sorted(path.name for path in set(pages) - seen) == []


def test_every_page_is_named_in_the_index_by_task_or_in_the_table_of_experiments(
    repository: Path, pages: dict[Path, Page], site: Path
) -> None:
    """The navigation lists them all; people look for a task."""
    named = {
        (repository / index).parent.joinpath(target).resolve()
        for index in ("docs/index.md", "docs/models.md", "research/README.md")
        for target in re.findall(r"\]\(([^)#\s]+\.md)", (repository / index).read_text(encoding="utf-8"))
    }
    missing = [
        path.name for path in sorted((repository / "docs").glob("*.md")) if path not in named and path.stem != "index"
    ]
    assert missing == []


def test_the_reference_has_the_public_names(site: Path) -> None:
    text = (site / "reference.html").read_text(encoding="utf-8")
    for name in ("rasa_emotion.analyzer.EmotionAnalyzer.analyze", "rasa_emotion.estimate.EmotionEstimate"):
        assert f'id="{name}"' in text
