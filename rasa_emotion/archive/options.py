"""How an archive is scored; goes to every process that scores."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from rasa_emotion.audio.channels import check_channel
from rasa_emotion.conversation.escalation import EscalationRules


@dataclass(frozen=True)
class ScoreOptions:
    """What to hear, with what, and by which rules.

    Args:
        channel: the caller's channel of stereo recordings, "left" or "right", or "mix" for all that was recorded.
            Without it, recordings of several channels are not scored: one of them may be an agent's.
        recogniser: of the words, a name of `voice.recognisers.RECOGNISERS` or a class's module path; "none" for none.
        recogniser_options: keyword arguments of its class.
        keep_words: whether the words themselves are written into the table of turns.
        rules: by which the escalation that should have been is decided.
        models: a folder with other models than those that ship.
        acoustic: name of the acoustic model's folder.

    Raises:
        ConfigError: there is no such channel.
    """

    channel: str | None = None
    recogniser: str = "none"
    recogniser_options: Mapping[str, Any] = field(default_factory=dict)
    keep_words: bool = False
    rules: EscalationRules = field(default_factory=EscalationRules)
    models: Path | None = None
    acoustic: str = "acoustic"

    def __post_init__(self) -> None:
        check_channel(self.channel)

    def described(self, checksum: str) -> dict[str, Any]:
        """What results depend on, JSON-safe; `checksum` is the models'."""
        given = {name: str(value) for name, value in self.recogniser_options.items()}
        return {
            "channel": self.channel,
            "recogniser": self.recogniser,
            # A hash alone, since an option may be a key to somebody's service.
            "recogniser_options": hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest(),
            "keep_words": self.keep_words,
            "rules": _plain(self.rules),
            "models": checksum,
        }


def _plain(value: Any) -> Any:
    """Rules as JSON holds them, the same in each process: sets are sorted."""
    if is_dataclass(value):
        return {
            "kind": type(value).__name__,
            **{each.name: _plain(getattr(value, each.name)) for each in fields(value)},
        }
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
