"""Strikes personal data out of packets, by rules that the operator sets."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.folding import Span
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.personal_data import FINDERS
from rasa_emotion.settings import check_names, checked

try:  # how `re` parses an expression; the old name is deprecated since Python 3.11, which is where the new one began
    from re import _parser as expressions  # type: ignore[attr-defined]
except ImportError:
    import sre_parse as expressions

OWNER = "The section 'redact' of endpoints.yml"
NAME = "name"
SECRET = "secret"

_SECRET_SLOTS = frozenset(
    {
        "password",
        "passwort",
        "kennwort",
        "passphrase",
        "passcode",
        "pwd",
        "pin",
        "otp",
        "tan",
        "cvv",
        "cvv2",
        "cvc",
        "cvc2",
    }
    | {"secret", "ssn"}
)
"""Words in a slot's name that say that nobody but the bot is to see what is in it."""

DEFAULTS: dict[str, Any] = {
    # Kinds that people may see: names in `FINDERS`, such as phone.
    "keep": [],
    # Slots that hold a caller's name: what is in them is struck out wherever it is said.
    "names_from_slots": [],
    # Own patterns: what is put into the brackets, and a regular expression of bounded length.
    "patterns": {},
}

LONGEST_MATCH = 100
"""Characters that an own pattern may match."""

MOST_WAYS = 1000
"""Ways in which an own pattern may match at one place. All of them are tried before it is given up, so that this bounds
the time that a text can cost, whatever a caller writes into it."""

MOST_NAMES = 200
"""Names and parts of names that are looked for, the latest first: each of them costs time in every text, and a caller
may fill a slot with a whole page."""

_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


@dataclass(frozen=True)
class Rules:
    """What is struck out.

    Args:
        kinds: names in `FINDERS`.
        names_from_slots: slots that hold names.
        patterns: own patterns, by what is put in their place.
    """

    kinds: tuple[str, ...] = tuple(FINDERS)
    names_from_slots: tuple[str, ...] = ()
    patterns: Mapping[str, "re.Pattern[str]"] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Any] | None) -> "Rules":
        """The rules that are written in endpoints.yml; None stands for the defaults.

        Raises:
            ConfigError: an option is unknown or wrong, or a pattern could match too much or take too long.

        >>> Rules.of({"keep": ["phone"]}).kinds
        ('iban', 'card', 'email', 'card_detail', 'secret', 'identity', 'account', 'birth_date', 'address')
        """
        settings = checked(OWNER, options or {}, DEFAULTS)
        check_names(OWNER, "keep", settings["keep"], FINDERS)
        check_names(OWNER, "names_from_slots", settings["names_from_slots"])
        patterns = settings["patterns"]
        if not isinstance(patterns, dict):
            raise ConfigError(f"{OWNER}: 'patterns' is {patterns!r}; give a mapping from names to expressions.")
        return cls(
            tuple(kind for kind in FINDERS if kind not in settings["keep"]),
            tuple(settings["names_from_slots"]),
            {str(name): _pattern(name, expression) for name, expression in patterns.items()},
        )


class Redactor:
    """Strikes out, and counts what it struck out, by kind.

    Args:
        rules: what.
        names: names to be struck out wherever they are whole words.

    >>> redactor = Redactor(Rules(), names=["Ada"])
    >>> redactor.text("Ada here, my card is 4111 1111 1111 1111.")
    '[name] here, my card is [card number].'
    """

    def __init__(self, rules: Rules, names: Iterable[str] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._rules = rules
        self._name = _any_of(names)

    def text(self, text: str) -> str:
        """The text with a name in brackets in the place of whatever is personal; the rest is as it was."""
        parts, done = [], 0
        for label, start, end in self.spans(text):
            parts += [text[done:start], f"[{label}]"]
            done = end
            self.counts[label] += 1
        return "".join([*parts, text[done:]])

    def spans(self, text: str) -> list[tuple[str, int, int]]:
        """What is personal in a text: what it is called, and where it begins and ends; none overlaps another."""
        return _merged(self._found(text))

    def value(self, value: Any) -> Any:
        """A JSON value with all its texts redacted; a number that is personal data becomes a text."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = str(value)
            redacted = self.text(written)
            return value if redacted == written else redacted
        return value

    def slots(self, slots: Mapping[str, Any]) -> dict[str, Any]:
        """Slots, by name; one that holds a name, or is named as a secret, is struck out as a whole."""
        struck = {name: label for name in slots if (label := self._whole(name)) is not None}
        self.counts.update(struck.values())
        return {name: f"[{struck[name]}]" if name in struck else self.value(value) for name, value in slots.items()}

    def _whole(self, slot: str) -> str | None:
        """What is put in the place of a slot's whole value, because of the slot's name; None for the others."""
        if slot in self._rules.names_from_slots:
            return NAME
        secret = not _SECRET_SLOTS.isdisjoint(re.split(r"[_\W]+", slot.lower()))
        return FINDERS[SECRET][0] if secret and SECRET in self._rules.kinds else None

    def _found(self, text: str) -> Iterator[tuple[str, int, int]]:
        for label, pattern in self._rules.patterns.items():
            for match in pattern.finditer(text):
                yield label, *match.span()
        kept = self._kept(text)
        for kind in self._rules.kinds:
            label, find = FINDERS[kind]
            for start, end in find(text):
                if not any(first <= start and end <= last for first, last in kept):
                    yield label, start, end
        if self._name is not None:
            for match in self._name.finditer(text):
                yield NAME, *match.span()

    def _kept(self, text: str) -> list[Span]:
        """What people may see, so that no part of it is taken for something else; a phone number has no check digit."""
        kinds = FINDERS.keys() - self._rules.kinds - {"phone"}
        return [span for kind in kinds for span in FINDERS[kind][1](text)]


def redacted(packet: Packet, rules: Rules, names: Iterable[str] = ()) -> Packet:
    """The packet without personal data in what was said, what the bot noted, the reason and the summary.

    The conversation's id stays: it is what a person finds the caller by.

    Args:
        names: what slots with names have held in this conversation.
    """
    redactor = Redactor(rules, names)
    form = packet.form and {**packet.form, "filled": redactor.slots(packet.form["filled"])}
    return replace(
        packet,
        reason=redactor.text(packet.reason),
        summary=redactor.text(packet.summary),
        transcript=tuple(replace(line, text=redactor.text(line.text)) for line in packet.transcript),
        slots=redactor.slots(packet.slots),
        form=form,
        redacted=dict(redactor.counts),
    )


def _merged(found: Iterator[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Spans that overlap as one, under the name of the kind that comes first."""
    ranked = sorted(enumerate(found), key=lambda item: (item[1][1], item[1][2]))
    merged: list[tuple[int, str, int, int]] = []
    for rank, (label, start, end) in ranked:
        if merged and start < merged[-1][3]:
            before = merged[-1]
            best = min((before[0], before[1]), (rank, label))
            merged[-1] = (*best, before[2], max(before[3], end))
        else:
            merged.append((rank, label, start, end))
    return [(label, start, end) for _, label, start, end in merged]


def _any_of(names: Iterable[str]) -> "re.Pattern[str] | None":
    """Whole names and their parts, in any case; a single letter is none."""
    parts = (part for name in [*names][::-1] for part in (name.strip(), *re.split(r"[\s,;]+", name)))
    latest = islice(dict.fromkeys(part for part in parts if len(part) > 1), MOST_NAMES)
    wanted = sorted(latest, key=len, reverse=True)
    if not wanted:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?!\w)", re.IGNORECASE)


def _pattern(name: Any, expression: Any) -> "re.Pattern[str]":
    """Raises ConfigError unless the expression is one that costs little time on any text."""
    where = f"{OWNER}: the pattern '{name}'"
    if not isinstance(name, str) or not re.fullmatch(r"[^\[\]\n]{1,40}", name):
        raise ConfigError(f"{where} has a name that cannot be printed in brackets; give 1 to 40 characters.")
    if not isinstance(expression, str):
        raise ConfigError(f"{where} is {expression!r}; give a regular expression.")
    try:
        compiled = re.compile(expression)
        parsed = expressions.parse(expression)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f"{where} is not a regular expression ({error}); correct it.") from error
    shortest, longest = parsed.getwidth()
    if shortest < 1:
        raise ConfigError(f"{where} matches where nothing is; make it match one character or more.")
    if longest > LONGEST_MATCH:
        raise ConfigError(
            f"{where} may match more than {LONGEST_MATCH} characters; write {{1,20}} in the place of + or *, and so on."
        )
    if _ways(parsed) > MOST_WAYS:
        raise ConfigError(f"{where} may match in too many ways, which takes long; write fewer optional parts.")
    return compiled


def _ways(parsed: Any) -> float:
    """In how many ways a parsed expression may match at one place, at most: a bound on what backtracking tries."""
    ways = 1.0
    for operation, argument in parsed:
        if operation.name in _REPEATS:
            least, most, repeated = argument
            each = _ways(repeated)
            if most > LONGEST_MATCH:
                return MOST_WAYS + 1
            ways *= sum(each**times for times in range(least, most + 1))
        elif operation.name == "BRANCH":
            ways *= sum(_ways(branch) for branch in argument[1])
        elif operation.name == "SUBPATTERN":
            ways *= _ways(argument[-1])
        elif operation.name in ("ASSERT", "ASSERT_NOT"):
            ways *= _ways(argument[1])
        elif operation.name == "ATOMIC_GROUP":
            ways *= _ways(argument)
        elif operation.name == "GROUPREF_EXISTS":
            ways *= sum(_ways(branch) for branch in argument[1:] if branch is not None)
        if ways > MOST_WAYS:
            return MOST_WAYS + 1
    return ways
