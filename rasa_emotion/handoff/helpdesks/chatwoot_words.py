"""What a message of Chatwoot says to a caller: each content type of its reference, and who wrote it.

https://developers.chatwoot.com/api-reference/messages/create-new-message and the webhook's `message_created`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from rasa_emotion.handoff.http import Answer
from rasa_emotion.handoff.markup import from_markdown

OUTGOING, TEMPLATE = "outgoing", "template"
"""Types of messages that are for the contact: of agents and rules, and those that Chatwoot sends by itself."""

MARK = "- "
"""Before each choice, where it is read."""


def for_caller(event: Answer) -> bool:
    """Whether the contact is meant: private notes, notes of what happened, and callers' own words are not for them."""
    return event.find("message_type") in (OUTGOING, TEMPLATE) and event.find("private") is False


def by_machine(event: Answer) -> bool:
    """Whether no agent wrote it: an automation rule, a campaign, an agent bot, an AI assistant or Chatwoot itself."""
    rule = event.find("content_attributes", "automation_rule_id") or event.find("automation_rule_id")
    campaign = event.find("additional_attributes", "campaign_id") or event.find("content_attributes", "campaign_id")
    return (
        event.find("message_type") != OUTGOING
        or rule is not None
        or campaign is not None
        or event.find("sender", "type") != "user"
    )


def said(event: Answer, *, spoken: bool = False) -> str:
    """All that can be told to a caller, as plain text; `spoken` for a voice."""
    content = event.find("content")
    parts = [from_markdown(content, spoken=spoken)] if isinstance(content, str) else []
    parts += [_text(item, spoken) for item in _ITEMS.get(_kind(event), _nothing)(event)]
    parts += [_text(part, spoken) for file in event.rows("attachments") for part in _file(Answer(200, file))]
    return "\n".join(filter(None, parts))


def undelivered(event: Answer) -> str:
    """What cannot be told, with a remedy; empty where everything can."""
    kind = _kind(event)
    lost = [_LOST[kind]] if kind in _LOST else []
    if kind not in _KNOWN:
        lost.append(f"what the message of the type {kind} holds beside its text; write it as text")
    files = [Answer(200, file) for file in event.rows("attachments")]
    lost += [f"a file ({file.find('file_type')}) without an address" for file in files if not any(_file(file))]
    if not lost and not said(event):
        lost.append("an empty message")
    return "; ".join(lost)


def _kind(event: Answer) -> str:
    return str(event.find("content_type") or "text")


def _text(part: Any, spoken: bool) -> str:
    if not isinstance(part, str):
        return ""
    if not spoken:
        return part.strip()
    return "" if part.startswith(("http://", "https://")) else part.removeprefix(MARK).strip()


def _file(file: Answer) -> Iterator[Any]:
    """What can be said of an attachment: its address, or a place or contact in words."""
    if file.find("file_type") == "location":
        yield file.find("fallback_title")
        place = [file.find("coordinates_lat"), file.find("coordinates_long")]
        if all(isinstance(value, int | float) for value in place):
            yield ", ".join(map(str, place))
        return
    if file.find("file_type") == "contact":
        yield file.find("fallback_title")
        return
    address = file.find("data_url") or file.find("external_url") or file.find("fallback_title")
    if isinstance(address, str) and address:
        yield address


def _nothing(event: Answer) -> Iterator[Any]:
    yield from ()


def _items(event: Answer) -> list[Answer]:
    items = event.find("content_attributes", "items")
    return [Answer(200, item) for item in items] if isinstance(items, list) else []


def _choices(event: Answer) -> Iterator[Any]:
    for item in _items(event):
        title = item.find("title")
        yield f"{MARK}{title}" if isinstance(title, str) else None


def _cards(event: Answer) -> Iterator[Any]:
    for item in _items(event):
        yield item.find("title")
        yield item.find("description")
        for action in item.rows("actions"):
            yield action.get("text")
            yield action.get("uri")


def _articles(event: Answer) -> Iterator[Any]:
    for item in _items(event):
        yield item.find("title")
        yield item.find("description")
        yield item.find("link")


_ITEMS: dict[str, Callable[[Answer], Iterator[Any]]] = {
    "input_select": _choices,
    "cards": _cards,
    "article": _articles,
}

_ASK = "ask in words, and the caller can answer"
_LOST = {
    "form": f"a form; {_ASK}",
    "input_csat": "a survey, which the caller cannot fill in here",
    "input_email": f"a field for an address; {_ASK}",
    "input_text": f"a field for text; {_ASK}",
    "input_textarea": f"a field for text; {_ASK}",
    "integrations": "what an integration shows, such as an invitation to a video call; send its address as text",
    "sticker": "a sticker",
    "voice_call": "a voice call",
}
_KNOWN = {"text", "incoming_email", *_ITEMS, *_LOST}
