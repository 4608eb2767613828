"""Messages that name an intent in place of words, such as `/greet`, and what people read of a message."""

import re
from collections.abc import Collection

HEARD_PREFIX = "emotion-"
"""How a message's id begins when a channel of this package heard it; only then is its `metadata` to be trusted.

A client writes text and metadata, and the NLU component, which drops a forgery, may run elsewhere or not at all; the id
is the channel's.
"""

VOICE_INTENT = "voice_without_words"
"""What a channel calls a voice in which there are no words, unless it is told otherwise."""

NO_WORDS = "[no words]"
"""What people read of it."""

# `/intent` messages as Rasa reads them; a slash before ordinary words is no such message. No two neighbours in it
# match the same character, so that the time stays linear in the length of whatever a client sends.
_COMMAND = re.compile(r"^/[^\s{@]+\s*(?:@[0-9.]+\s*)?(?:\{.*\})?$", re.DOTALL)

_PAYLOAD = re.compile(r"/[^{@]+(?:@[0-9.]+)?(\{.+\})")


def is_command(text: str) -> bool:
    """Whether Rasa reads the text as an intent instead of words.

    >>> [is_command(text) for text in ("/greet", '/inform@0.9{"city": "Bonn"}', "/shrug ok", "/ or")]
    [True, True, False, False]
    """
    return bool(_COMMAND.match(text.strip()))


def command_intent(text: str) -> str | None:
    """The intent that such a text names; None for words.

    >>> command_intent('/inform@0.9{"city": "Bonn"}'), command_intent("hello")
    ('inform', None)
    """
    return re.split(r"[\s{@]", text.strip().removeprefix("/"), maxsplit=1)[0] if is_command(text) else None


def split_payload(text: str, intents: Collection[str]) -> tuple[str, str] | None:
    """The intent that a text like `/intent@0.9{"entity": "value"}` names, and the words after it; None for words.

    Rasa reads a text so only if the bot has the intent; what follows the entities it leaves out.

    >>> split_payload('/inform{"city": "Bonn"} and hurry up', {"inform"}), split_payload("/thanks", {"inform"})
    (('inform', 'and hurry up'), None)
    """
    text = text.strip()
    if not text.startswith("/"):
        return None
    end = next((place for place, sign in enumerate(text) if sign in "{@"), len(text))
    name, rest = text[1:end].strip(), text[end:]
    if name not in intents:
        return None
    if rest.startswith("@"):
        rest = rest[1:].lstrip("0123456789.")
    if rest.startswith("{"):
        line, _, more = rest.partition("\n")
        rest = f"{line[line.rfind('}') + 1 :]}\n{more}"
    return name, rest.strip()


def command_payload(text: str) -> str | None:
    """What Rasa reads the entities of such a text from, as JSON; None where there is none.

    >>> command_payload('/inform@0.9{"city": "Bonn"} please'), command_payload("hello {you}")
    ('{"city": "Bonn"}', None)
    """
    found = _PAYLOAD.match(text.strip())
    return found.group(1) if found else None


def shown_words(text: str, message_id: str | None = None) -> str:
    """What people read of a message: its words, or that it has none, as a voice that brought none.

    Args:
        text: of the message.
        message_id: which says whether a channel of this package heard it, whatever intent it then sent.

    >>> shown_words("hello"), shown_words("/sigh", "emotion-1"), shown_words("/affirm", "1")
    ('hello', '[no words]', '/affirm')
    """
    text = text.strip()
    heard = is_command(text) and str(message_id).startswith(HEARD_PREFIX)
    return NO_WORDS if not text or heard or command_intent(text) == VOICE_INTENT else text
