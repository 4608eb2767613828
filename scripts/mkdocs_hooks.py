"""Hooks of the documentation site: pages that lie outside `docs/` become part of it, and links between them hold.

The changelog, the guide for contributors, the models' cards and the experiments stay where readers of the repository
look for them. The site shows them under the same paths. A link to any other file of the repository becomes its plain
name.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "models/*/card.md", "research/**/*.md")
SCHEMAS = ("rasa_emotion/**/*.schema.json",)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def outside() -> dict[str, Path]:
    """The files outside `docs/` that the site holds, by their path from the root; templates are no pages."""
    found = {path for pattern in (*PAGES, *SCHEMAS) for path in ROOT.glob(pattern)}
    return {path.relative_to(ROOT).as_posix(): path for path in sorted(found) if ".template." not in path.name}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files from outside."""
    for name, path in outside().items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point relative links at the site's pages, whichever folder of the repository they name."""
    here = page.file.src_uri if page.file.src_uri in outside() else f"docs/{page.file.src_uri}"

    def rewritten(match: re.Match[str]) -> str:
        text, target, anchor = match.group(1), match.group(2), match.group(3) or ""
        if "://" in target or target.startswith("mailto:"):
            return match.group(0)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        uri = path.removeprefix("docs/")
        if files.get_file_from_path(uri) is None:
            return text if (ROOT / path).exists() else match.group(0)  # what leads nowhere is left for `--strict`
        return f"[{text}]({posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or '.')}{anchor})"

    return LINK.sub(rewritten, markdown)
