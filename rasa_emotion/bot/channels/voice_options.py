"""What credentials.yml may say to VoiceInput."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from rasa_emotion.audio.speech import SpeechSettings
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_flag, check_number, check_text, checked
from rasa_emotion.streaming import StreamSettings
from rasa_emotion.turn import access, intake
from rasa_emotion.voice.call_settings import CallSettings
from rasa_emotion.voice.flow import FlowLimits
from rasa_emotion.voice.recognisers import load_recogniser
from rasa_emotion.voice.synthesisers.open import open_synthesiser
from rasa_emotion.voice.synthesisers.speech import Synthesiser

OWNER = "VoiceInput"

_CALL = CallSettings()
CALL_KEYS = tuple(field.name for field in fields(CallSettings) if field.name not in ("flow", "transfer"))

DEFAULTS: dict[str, Any] = {
    # What clients of the WebSocket, the softphone and a dialplan must give; without both only this machine may call.
    **access.DEFAULTS,
    # Turns speech to words: none, or a name of docs/live.md, or {name: ..., options of it}.
    "recogniser": "none",
    # One on this machine, for callers whose voice may not be sent to `recogniser`; null for none.
    "local_recogniser": None,
    # Speaks: espeak, or another name of docs/live.md, or {name: ..., options of it}.
    "synthesiser": "espeak",
    # Speaks where the first one fails; null for none.
    "second_synthesiser": None,
    # {auth_token, url}: Twilio Media Streams; `url` is this server's public address.
    "twilio": None,
    # {username, password, url}: jambonz.
    "jambonz": None,
    # {host, port}: Asterisk's AudioSocket.
    "audiosocket": None,
    # Whom an escalated call is transferred to, as the line dials it; null keeps it for the relay.
    "transfer_to": None,
    # What names a conversation: "call" for the line's id of the call, "caller" for the caller's number.
    "sender": "call",
    # Calls at the same time; the next one is refused.
    "max_calls": 50,
    # Hours that a call may last.
    "max_hours": 4,
    # Seconds of silence that end a turn, and seconds after which a long one is cut.
    "end_secs": 0.7,
    # Whether a network ends a turn sooner that sounds finished: "silence" or "network". With the network, `end_secs`
    # is how long who has not finished may think; 1.5 suits most.
    "turn_end": "silence",
    "longest_secs": 30.0,
    # As docs/live.md describes them.
    **{key: getattr(_CALL, key) for key in CALL_KEYS},
    **intake.DEFAULTS,
    # Who has a line is answered: `max_calls` is the limit here.
    "max_turns": None,
    "max_wait_secs": None,
}

_LINES: dict[str, dict[str, Any]] = {
    "twilio": {"auth_token": None, "url": None},
    "jambonz": {"username": None, "password": None, "url": None},
    "audiosocket": {"host": "127.0.0.1", "port": 9092},
}


@dataclass(frozen=True)
class VoiceOptions:
    """The options after their checks.

    Args:
        given: all of `DEFAULTS`, with what is set otherwise.
        lines: options of Twilio, jambonz and Asterisk, those that are on.
        call: how calls are held.
        stream: how they are heard.
    """

    given: Mapping[str, Any]
    lines: Mapping[str, Mapping[str, Any]]
    call: CallSettings
    stream: StreamSettings

    @classmethod
    def checked(cls, given: Mapping[str, Any]) -> "VoiceOptions":
        """The options as given, completed by the defaults. Raises ConfigError."""
        options = checked(OWNER, given, DEFAULTS)
        for key in ("transfer_to", "begin", "digit_intent"):
            check_text(OWNER, key, options[key], optional=True)
        if options["sender"] not in ("call", "caller"):
            raise ConfigError(f"{OWNER}: 'sender' is {options['sender']!r}; write call or caller.")
        if options["turn_end"] not in ("silence", "network"):
            raise ConfigError(f"{OWNER}: 'turn_end' is {options['turn_end']!r}; write silence or network.")
        for key, most in (("max_calls", 10_000), ("max_hours", 24), ("end_secs", 10), ("longest_secs", 120)):
            check_number(OWNER, key, options[key], above=0, at_most=most)
        lines = {name: _line(name, options[name]) for name in _LINES if options[name] is not None}
        stream = StreamSettings(SpeechSettings(silence_secs=options["end_secs"], longest_secs=options["longest_secs"]))
        voice = cls(options, lines, _call(options), stream)
        for key in ("recogniser", "local_recogniser"):
            if options[key] is not None:
                voice.recogniser(key)
        return voice

    def recogniser(self, key: str = "recogniser") -> Any:
        """A recogniser for one call. Raises ConfigError."""
        name, options = named_with_options(key, self.given[key])
        return load_recogniser(name, options)

    def voices(self) -> list[Synthesiser]:
        """The synthesisers, in the order in which they are tried. Raises ConfigError."""
        keys = ("synthesiser", "second_synthesiser")
        return [open_synthesiser(self.given[key]) for key in keys if self.given[key] is not None]


def named_with_options(key: str, given: Any) -> tuple[str, dict[str, Any]]:
    """A name, and the options beside it. Raises ConfigError.

    >>> named_with_options("recogniser", {"name": "whisper", "language": "en"})
    ('whisper', {'language': 'en'})
    """
    options = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = options.pop("name", None)
    check_text(OWNER, key, name)
    return str(name), options


def _line(name: str, given: Any) -> dict[str, Any]:
    owner = f"{OWNER}: '{name}'"
    options = checked(owner, given if isinstance(given, Mapping) else {}, _LINES[name])
    for key, value in options.items():
        if key == "port":
            check_number(owner, key, value, above=-1, at_most=65535)
        else:
            check_text(owner, key, value)
        if key == "url" and urlsplit(value).scheme not in ("https", "http"):
            raise ConfigError(f"{owner}: 'url' is {value!r}; give this server's public address, such as https://...")
    return options


def _call(options: Mapping[str, Any]) -> CallSettings:
    chosen = {key: options[key] for key in CALL_KEYS}
    for key in ("silence_secs", "digit_secs", "wordless_secs", "transcript_secs", "silence_times"):
        check_number(OWNER, key, chosen[key], above=-1e-9, optional=key == "silence_secs")
    for key in ("silence_text", "goodbye_text", "deaf_text"):
        if not isinstance(chosen[key], str):
            raise ConfigError(f"{OWNER}: '{key}' is {chosen[key]!r}; give a text, which may be empty.")
    check_flag(OWNER, "cloud_after_no", chosen["cloud_after_no"])
    flow = FlowLimits(longest_secs=options["max_hours"] * 3600)
    return CallSettings(**chosen, transfer=options["transfer_to"] is not None, flow=flow)
