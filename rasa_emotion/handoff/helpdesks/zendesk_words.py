"""What a message of Sunshine Conversations says to a caller: each content type of its reference, and who wrote it.

https://developer.zendesk.com/api-reference/conversations/, the schema `Content`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from rasa_emotion.handoff.http import Answer
from rasa_emotion.handoff.markup import from_html, from_markdown

AGENTS = "zd:agentWorkspace"
OTHER_MACHINES = {"ultimate"}
"""Sources of messages whose names do not begin as Zendesk's own do: the advanced AI agents."""


def by_machine(message: Answer) -> bool:
    """Whether no person wrote it: Zendesk's answer bot, an AI agent, a survey, or what the system tells by itself."""
    subtypes, source = message.find("author", "subtypes"), message.find("source", "type")
    if isinstance(subtypes, list) and ("AI" in subtypes or "activity" in subtypes):
        return True
    return isinstance(source, str) and ((source.startswith("zd:") and source != AGENTS) or source in OTHER_MACHINES)


def said(message: Answer, *, spoken: bool = False) -> str:
    """All that can be told to a caller, as plain text; `spoken` for a voice."""
    content = Answer(200, message.find("content"))
    say = _SAY.get(str(content.find("type")))
    parts = [_words(content, spoken), *(say(content) if say else ()), *_actions(content)]
    return "\n".join(dict.fromkeys(part.strip() for part in parts if _tellable(part, spoken)))


def undelivered(message: Answer) -> str:
    """What cannot be told, with a remedy; empty where everything can."""
    content = Answer(200, message.find("content"))
    kind = str(content.find("type"))
    if kind in _LOST:
        return _LOST[kind]
    if kind not in _SAY:
        return f"what a message of the type {kind} holds beside its text; write it as text"
    return "" if said(message) else f"an empty message of the type {kind}"


def _words(content: Answer, spoken: bool) -> str:
    """The text, in whichever of the three ways it is written."""
    text, markdown, html = (content.find(key) for key in ("text", "markdownText", "htmlText"))
    if isinstance(markdown, str) and markdown.strip():
        return from_markdown(markdown, spoken=spoken)
    if isinstance(html, str) and html.strip():
        return from_html(html, spoken=spoken)
    return text.strip() if isinstance(text, str) else ""


def _tellable(part: Any, spoken: bool) -> bool:
    return isinstance(part, str) and bool(part.strip()) and not (spoken and part.startswith(("http://", "https://")))


def _text(content: Answer) -> Iterator[Any]:
    yield from ()


def _media(content: Answer) -> Iterator[Any]:
    yield content.find("mediaUrl")


def _items(content: Answer) -> Iterator[Any]:
    for row in content.rows("items"):
        item = Answer(200, row)
        yield from (item.find(key) for key in ("title", "description", "mediaUrl"))
        yield from _actions(item)


def _location(content: Answer) -> Iterator[Any]:
    yield from (content.find("location", key) for key in ("name", "address"))
    place = [content.find("coordinates", key) for key in ("lat", "long")]
    if all(isinstance(value, int | float) for value in place):
        yield ", ".join(map(str, place))


def _answered_form(content: Answer) -> Iterator[Any]:
    yield content.find("textFallback")


def _actions(content: Answer) -> Iterator[Any]:
    """Buttons: what they say, and where those lead that open an address."""
    for action in content.rows("actions"):
        yield action.get("text")
        yield action.get("uri")


_SAY: dict[str, Callable[[Answer], Iterator[Any]]] = {
    "text": _text,
    "image": _media,
    "file": _media,
    "carousel": _items,
    "list": _items,
    "location": _location,
    "formResponse": _answered_form,
}

_LOST = {
    "form": "a form; ask in words, and the caller can answer",
    "template": "a template of WhatsApp; write it as text",
    "csat": "a survey, which the caller cannot fill in here",
}
