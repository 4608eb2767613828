"""What people format in a helpdesk, as the plain text that a caller's channel shows or speaks."""

from collections.abc import Sequence
from html import escape
from typing import Any

import lxml.html
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.etree import ParserError
from lxml.html.defs import tags as TAGS
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

MAX_CHARACTERS = 20_000
"""A longer text stays as it is: the time that markup takes grows with the square of its length (0.2 s for this one)."""

HIDDEN = ("iframe", "noframes", "noembed", "object", "template", "textarea")
"""Elements that show nothing of their own, or another page; parsers take what stands in some of them for text."""


def from_markdown(text: str, *, spoken: bool = False) -> str:
    r"""The plain text of Markdown and of the HTML in it, with its line breaks.

    A single line break counts, as in all editors of chats. What looks like HTML but names no element stays.

    Args:
        text: as the helpdesk sends it.
        spoken: for a voice: without list marks, addresses and descriptions of pictures.

    >>> from_markdown("**Please** open [this](https://example.com),\\\nit costs <b>5 &lt; 6</b> <your name>")
    'Please open this (https://example.com),\nit costs 5 < 6 <your name>'
    >>> from_markdown("1. *Unplug* it.\n2. Open [this](https://example.com).", spoken=True)
    'Unplug it.\nOpen this.'
    """
    if len(text) > MAX_CHARACTERS:
        return text.strip()
    return _shown(_MARKDOWN.render(text), text, spoken)


def from_html(text: str, *, spoken: bool = False) -> str:
    """The plain text of HTML, with its line breaks; see `from_markdown`.

    >>> from_html("<p>Hello,</p><ul><li>5 &lt; 6</li></ul>")
    'Hello,\\n\\n- 5 < 6'
    """
    if len(text) > MAX_CHARACTERS:
        return text.strip()
    return _shown(text, text, spoken)


def _shown(html: str, written: str, spoken: bool) -> str:
    """What is rendered of it; as it was written where nothing is, unless that shows nothing: an element, a picture."""
    parser = lxml.html.HTMLParser()
    try:
        tree = lxml.html.fragment_fromstring(html.replace("\x00", ""), create_parent="div", parser=parser)
    except (ParserError, ValueError):
        return written.strip()
    if any(entry.level_name == "FATAL" for entry in parser.error_log):
        return written.strip()  # libxml2 refuses what is nested more than 255 times
    shows_nothing = "<" in written or "](" in written
    return _rendered(tree, spoken) or ("" if shows_nothing else written.strip())


def _rendered(tree: Any, spoken: bool) -> str:
    for hidden in list(tree.iter(*HIDDEN)):
        hidden.drop_tree()
    (_drop_marks if spoken else _write_out)(tree)
    rendered = Inscriptis(tree, ParserConfig(css=STRICT_CSS_PROFILE)).get_text()
    return "\n".join(line.rstrip() for line in rendered.split("\n")).strip("\n")


def _write_out(tree: Any) -> None:
    """Write addresses behind links, and marks before the entries of lists."""
    for link in tree.iter("a"):
        address = (link.get("href") or "").strip()
        if address and link.text_content().strip() not in (address, address.partition(":")[2]):
            _add_after(link, f" ({address})")
    for picture in tree.iter("img"):
        _add_after(picture, " ".join(filter(None, (picture.get("alt"), picture.get("src")))))
    for entries in list(tree.iter("ul", "ol")):
        start = entries.get("start", "1")
        number = int(start) if start.isascii() and start.isdigit() and len(start) < 10 else 1
        for place, entry in enumerate(entries.findall("li")):
            first = entry[0] if len(entry) and not (entry.text or "").strip() and entry[0].tag == "p" else entry
            first.text = f"{number + place}. {first.text or ''}" if entries.tag == "ol" else f"- {first.text or ''}"
            entry.tag = "div"
        entries.tag = "div"


def _drop_marks(tree: Any) -> None:
    for element in list(tree.iter("ul", "ol", "li")):
        element.tag = "div"
    for picture in list(tree.iter("img")):
        picture.drop_tag()


def _add_after(element: Any, text: str) -> None:
    element.tail = f"{text}{element.tail or ''}"


class _Renderer(RendererHTML):
    """Renders a tag that names no element of HTML as the text that it is, such as <your name>."""

    def html_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        content = tokens[idx].content
        name = content.strip("</>").partition(">")[0].split(maxsplit=1)[:1]
        return content if content.startswith("<!--") or name[0].lower() in TAGS else escape(content)

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<pre>{escape(tokens[idx].content)}</pre>"  # with its line breaks, which a <code> in it would lose

    code_block = fence

    def html_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        shown = self.html_inline(tokens, idx, options, env)
        return shown if shown == tokens[idx].content else f"<p>{shown}</p>"


def _drop_last_break(state: StateCore) -> None:
    """Drop a backslash at the end of a paragraph: editors write it for a line break that nothing follows."""
    for token in state.tokens:
        last = token.children[-1] if token.children else None
        if last is not None and last.type == "text":
            last.content = last.content.removesuffix("\\")


_MARKDOWN = MarkdownIt("commonmark", {"breaks": True, "html": True}, renderer_cls=_Renderer)
_MARKDOWN.enable(["strikethrough", "table"])
# Before escaped signs become one with the text around them.
_MARKDOWN.core.ruler.before("text_join", "drop_last_break", _drop_last_break)
