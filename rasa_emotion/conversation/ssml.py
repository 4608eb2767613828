"""How the bot's voice meets the caller's feeling: a table of prosody, and its rendering for each speech engine.

SSML is the W3C's "Speech Synthesis Markup Language (SSML) Version 1.1" (2010). What each engine takes of it:

- Azure: a `<voice>` is required; changes of rate and volume are relative percentages, a style stands in
  `<mstts:express-as>` (Microsoft, "Customize voice and sound with SSML").
- Amazon Polly: only its standard voices take a pitch, and what a voice does not know is an error, so there is none
  (AWS, "Controlling volume, speaking rate, and pitch").
- espeak-ng: decibels are not understood, so the volume is a percentage; a pitch in semitones moves the voice about
  half as far (measured with espeak-ng 1.51), so it is given twice. That holds for 2 semitones either way; beyond, the
  voice goes less far down and further up than asked. A `<break>` replaces the pause between two sentences instead of
  lengthening it, so that pause is added; both grow and shrink with the rate.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from rasa_emotion.conversation.sentences import sentences
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_number, check_text, checked

_ESPEAK_PAUSE_MS = 500
"""The `<break>` after which a sentence of espeak-ng begins no earlier than without one: 400 at its usual rate, 480 at
140 % after a full stop, up to 540 at 70 % after a question mark (measured with espeak-ng 1.51).
"""

_NAMESPACE = "http://www.w3.org/2001/10/synthesis"
_AZURE_NAMESPACE = "https://www.w3.org/2001/mstts"
# Control characters and surrogates, which XML 1.0 cannot hold.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Prosody:
    """How to speak, as a change of the voice's own way.

    Args:
        rate: percent faster (or, negative, slower), -50 to 100.
        pitch: semitones higher, -12 to 12.
        volume: decibels louder, -20 to 6.
        pause_ms: milliseconds of pause between two sentences, beside the engine's own, 0 to 5000.
        style: a speaking style of the engine, where it has some (Azure).
    """

    rate: int = 0
    pitch: int = 0
    volume: int = 0
    pause_ms: int = 0
    style: str | None = None


_ANGRY = Prosody(rate=-8, pitch=-1, volume=-2, pause_ms=250, style="customerservice")
_UPSET = Prosody(rate=-10, pitch=-1, volume=-2, pause_ms=300, style="empathetic")
_WORRIED = Prosody(rate=-12, pitch=-1, volume=-1, pause_ms=350, style="empathetic")

PROSODY: Mapping[str, Prosody] = MappingProxyType(
    {
        "angry": _ANGRY,
        "hostile": _ANGRY,
        "upset": _UPSET,
        "worried": _WORRIED,
        "distressed": _WORRIED,
        "tense": Prosody(rate=-4, pause_ms=150),
        "pleased": Prosody(rate=3, pitch=1, volume=1, style="cheerful"),
    }
)
"""The bot's voice by the caller's family (angry, upset, worried, pleased) and mood (tense, upset, hostile, distressed).

The directions follow experiments in which upset people did better with a subdued voice and happy ones with an energetic
voice (C. Nass et al., "Improving automotive safety by pairing driver emotion and car voice emotion", CHI 2005). The
amounts are defaults of ours, to be listened to with the voice in use.
"""

_RANGES = {"rate": (-50, 100), "pitch": (-12, 12), "volume": (-20, 6), "pause_ms": (0, 5000)}


def prosody_table(owner: str, overrides: Mapping[str, Any]) -> dict[str, Prosody]:
    """`PROSODY` with some of its values replaced, as written under `prosody` in endpoints.yml.

    Raises:
        ConfigError: a row or value that does not exist or is out of range.

    >>> prosody_table("x", {"angry": {"rate": -15}})["angry"].rate
    -15
    """
    rows = checked(f"{owner}: 'prosody'", overrides, PROSODY)
    return {name: row if isinstance(row, Prosody) else _row(owner, name, row) for name, row in rows.items()}


def _row(owner: str, name: str, given: Any) -> Prosody:
    where = f"{owner}: 'prosody' of '{name}'"
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where} is {given!r}; give values such as {{rate: -10}}.")
    checked(where, given, {field.name: None for field in fields(Prosody)})
    for key, value in given.items():
        if key == "style":
            check_text(where, key, value, optional=True)
            continue
        least, most = _RANGES[key]
        check_number(where, key, value, above=least - 1, at_most=most)
        if not isinstance(value, int):
            raise ConfigError(f"{where}: '{key}' is {value!r}; give a whole number.")
    return replace(PROSODY[name], **given)


def prosody_for(names: Iterable[str], table: Mapping[str, Prosody] = PROSODY) -> Prosody:
    """The row of the first of these names that has one; the voice's own way where none has.

    >>> prosody_for(["sad", "upset", "calm"]).rate
    -10
    """
    return next((table[name] for name in names if name in table), Prosody())


def render(text: str, prosody: Prosody, dialect: str, *, language: str = "en-US", voice: str | None = None) -> str:
    """A text as a document for a speech engine. Its text content is the text, less what XML cannot hold.

    Args:
        text: what is to be said; nothing in it is taken for markup.
        prosody: how to say it.
        dialect: one of `DIALECTS`.
        language: BCP 47 tag of the text.
        voice: name of the voice; Azure needs one.

    >>> render("Fish & chips", Prosody(rate=-10), "polly")
    '<speak><prosody rate="90%">Fish &amp; chips</prosody></speak>'
    """
    own_pause_ms = _ESPEAK_PAUSE_MS if dialect == "espeak" and prosody.pause_ms else 0
    return _DIALECTS[dialect](_content(text, prosody.pause_ms + own_pause_ms), prosody, language, voice)


def _content(text: str, pause_ms: int) -> str:
    pause = f'<break time="{pause_ms}ms"/>' if pause_ms else ""
    parts = [(part.rstrip(), part[len(part.rstrip()) :]) for part in sentences(_NOT_XML.sub("", text))]
    # The pause stands before the space, so that the text's own characters keep their places.
    spoken = [f"{_escaped(said)}{pause}{_escaped(space)}" for said, space in parts[:-1]]
    return "".join([*spoken, *(_escaped(said + space) for said, space in parts[-1:])])


def _escaped(text: str) -> str:
    return escape(text, {"\r": "&#13;"})  # a bare carriage return is read as a line feed


def _generic(content: str, prosody: Prosody, language: str, voice: str | None) -> str:
    spoken = _prosody(
        content,
        rate=f"{100 + prosody.rate}%" if prosody.rate else "",
        pitch=f"{prosody.pitch:+d}st" if prosody.pitch else "",
        volume=f"{prosody.volume:+d}dB" if prosody.volume else "",
    )
    if voice:
        spoken = f"<voice name={quoteattr(voice)}>{spoken}</voice>"
    return f'<speak version="1.1" xmlns="{_NAMESPACE}" xml:lang={quoteattr(language)}>{spoken}</speak>'


def _azure(content: str, prosody: Prosody, language: str, voice: str | None) -> str:
    spoken = _prosody(
        content,
        rate=f"{prosody.rate:+d}%" if prosody.rate else "",
        pitch=f"{prosody.pitch:+d}st" if prosody.pitch else "",
        volume=f"{_loudness(prosody.volume) - 100:+d}%" if prosody.volume else "",
    )
    if prosody.style:
        spoken = f"<mstts:express-as style={quoteattr(prosody.style)}>{spoken}</mstts:express-as>"
    return (
        f'<speak version="1.0" xmlns="{_NAMESPACE}" xmlns:mstts="{_AZURE_NAMESPACE}" xml:lang={quoteattr(language)}>'
        f"<voice name={quoteattr(voice or '')}>{spoken}</voice></speak>"
    )


def _polly(content: str, prosody: Prosody, language: str, voice: str | None) -> str:
    # Language and voice are parameters of the request.
    rate = f"{100 + prosody.rate}%" if prosody.rate else ""
    volume = f"{prosody.volume:+d}dB" if prosody.volume else ""
    return f"<speak>{_prosody(content, rate=rate, volume=volume)}</speak>"


def _espeak(content: str, prosody: Prosody, language: str, voice: str | None) -> str:
    # The voice is an option of the command; a language here would replace it.
    spoken = _prosody(
        content,
        rate=f"{100 + prosody.rate}%" if prosody.rate else "",
        pitch=f"{2 * prosody.pitch:+d}st" if prosody.pitch else "",
        volume=f"{_loudness(prosody.volume)}%" if prosody.volume else "",
    )
    return f"<speak>{spoken}</speak>"


def _prosody(content: str, **attributes: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items() if value)
    return f"<prosody{written}>{content}</prosody>" if written else content


def _loudness(decibels: int) -> int:
    """The amplitude in percent: 20 dB are a factor of ten."""
    return round(100 * 10 ** (decibels / 20))


_DIALECTS: Mapping[str, Callable[[str, Prosody, str, str | None], str]] = MappingProxyType(
    {"ssml": _generic, "azure": _azure, "polly": _polly, "espeak": _espeak}
)
DIALECTS: tuple[str, ...] = tuple(_DIALECTS)
"""The dialects by name: generic SSML 1.1, Azure, Amazon Polly and espeak-ng."""
