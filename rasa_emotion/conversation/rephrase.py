"""Plain texts said more quietly, for callers who are upset, hostile or distressed.

The rules touch how a text is put, never what it says: placeholders, numbers, addresses and abbreviations stay as they
are, no text ends up empty, and a text that has been rephrased stays the same when it is rephrased again.
"""

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from rasa_emotion.conversation.sentences import CLOSING, is_question, sentences

MAX_WORDS = 12
"""A sentence with more words than these is parted where that can be done safely."""

# Placeholders, web and mail addresses: what a rule must not look into.
_OPAQUE = r"\{[^\n{}]+\}|(?:https?://|www\.)\S+|[^\s@]+@[^\s@]+\.\w+"
# The blocks of pictographs, the marks that only change how one looks, and joiners between two of them.
_PICTURE = r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u231A\u231B\u23E9-\u23FA\u2B50\u2B55]"
_EMOJI = rf"{_PICTURE}(?:[\uFE0F\u20E3\U000E0020-\U000E007F]|\u200D(?={_PICTURE}))*"
_KEYCAP = re.compile(r"(?<=[0-9#*])\uFE0F?\u20E3")
_PICTURES = re.compile(rf"(?P<opaque>{_OPAQUE})|[ \t]*(?:{_EMOJI})+")
_EMOTICON = re.compile(r"(?:(?<=\s)|^)[:;=]['’]?-?[)(DPp/|](?=\s|$)")

_EXCLAMATION = re.compile(
    rf"(?P<space>[ \u00A0\u202F]?)(?<![?？!！])(?P<marks>[?？!！]+)(?={CLOSING}(?:\s|$|[,;:.…](?:\s|$)))|！+|¡"
)

_SEMICOLON = re.compile(r"(?<=[\w\"'”’)}]);[ \t]+(?=\S)")
_ENTITY = re.compile(r"&#?\w+$")
# English, where a comma, "and" and a pronoun that can only be a subject begin a main clause of its own. In a sentence
# that opens with one of the conjunctions below, it may still belong to the subordinate clause.
_AND = re.compile(r",[ \t]and[ \t]+(?=(?:I|we|you|they|he|she|it|there|nobody|everybody)[ \t])")
_SUBORDINATE = re.compile(
    r"\W*(?:if|when|whenever|once|as|because|since|while|although|though|unless|until|after|before|whether|where)\b",
    re.IGNORECASE,
)
_SMALL_WORD = re.compile(r"[^\W\d_]+(?=[\s,])")
_GOES_ON = re.compile(r"\W*(?:or|and|oder|und|ou|et|o|y|of|en)\b", re.IGNORECASE)
_CARRIES = re.compile(rf"\d|{_OPAQUE}")


def rephrase(text: str, rules: Collection[str] | None = None) -> str:
    """The text after the rules of `RULES` that are named, or all of them.

    Args:
        text: a reply, or its template with placeholders such as {name}.
        rules: names out of `RULES`.

    >>> rephrase("Oh no! 😟 I have logged it at {time}; a technician will call you back within four hours! Ok?")
    'Oh no. I have logged it at {time}. A technician will call you back within four hours. Ok?'
    """
    chosen = [rule for name, rule in RULES.items() if rules is None or name in rules]
    while (after := _once(text, chosen)) != text:  # each round has fewer marks, pictures, questions or joints
        text = after
    return text


def _once(text: str, rules: Collection[Callable[[str], str]]) -> str:
    for rule in rules:
        after = rule(text)
        text = after if after.strip() else text
    return text


def _without_pictures(text: str) -> str:
    after = _PICTURES.sub(lambda found: found["opaque"] or "", _KEYCAP.sub("", text))
    after = _EMOTICON.sub("", after)
    return text if after == text else re.sub(r"(?<=\S)  +(?=\S)", " ", after).strip(" ")


def _without_exclamation(text: str) -> str:
    return _EXCLAMATION.sub(_quiet_mark, text)


def _quiet_mark(found: re.Match[str]) -> str:
    marks, space = found["marks"], found["space"] or ""
    if marks is None:
        return "" if found[0] == "¡" else "。"
    if not set("!！") & set(marks):
        return found[0]
    question = next((mark for mark in marks if mark in "?？"), None)
    if question:
        return space + question
    before, after = found.string[: found.start()], found.string[found.end() :]
    if before.endswith((".", "…", "。", "?", "？")) or after[:1] in set(",;:.…"):
        return ""
    return "。" if "！" in marks else "."


def _one_question(text: str) -> str:
    # Several lines are a list, whose questions may be its items.
    return text if "\n" in text.strip() else "".join(_with_last_question(sentences(text)))


def _with_last_question(said: list[str]) -> list[str]:
    asked = [index for index, sentence in enumerate(said) if is_question(sentence)]
    if len(asked) < 2:
        return said
    kept = {asked[-1]}
    for index in range(asked[-1], 0, -1):  # "Shall I do it? Or would you rather wait?" is one question
        if index not in kept or not (_GOES_ON.match(said[index]) and is_question(said[index - 1])):
            break
        kept.add(index - 1)
    return [
        sentence
        for index, sentence in enumerate(said)
        if index in kept or index not in asked or _CARRIES.search(sentence)
    ]


def _shorter(text: str) -> str:
    return "".join(_parted(sentence) if len(sentence.split()) > MAX_WORDS else sentence for sentence in sentences(text))


def _parted(sentence: str) -> str:
    sentence = _parted_at(_SEMICOLON, sentence, least=2)
    if is_question(sentence) or _SUBORDINATE.match(sentence):
        return sentence
    return _parted_at(_AND, sentence, least=3)


def _parted_at(joint: re.Pattern[str], sentence: str, *, least: int) -> str:
    """The sentence with a full stop at each joint that has at least so many words on both sides."""
    parts, start = [], 0
    for found in joint.finditer(sentence):
        left, right = sentence[start : found.start()], sentence[found.end() :]
        enough = len(left.split()) >= least and len(right.split()) >= least
        if enough and _is_whole(sentence[: found.start()]):
            parts.append(left)
            start = found.end()
    return ". ".join([*parts[:1], *map(_capital, [*parts[1:], sentence[start:]])]) if parts else sentence


def _is_whole(before: str) -> bool:
    """Whether a text may end here: no bracket, quotation or HTML entity is open."""
    pairs = all(before.count(left) == before.count(right) for left, right in ("()", "“”"))
    return pairs and before.count('"') % 2 == 0 and not _ENTITY.search(before)


def _capital(part: str) -> str:
    word = _SMALL_WORD.match(part)
    return part[:1].upper() + part[1:] if word and word[0].islower() else part


RULES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "no_emoji": _without_pictures,
        "no_exclamation": _without_exclamation,
        "one_question": _one_question,
        "short_sentences": _shorter,
    }
)
"""The rules by name, in the order in which they are applied."""
