"""What `nlg:` in endpoints.yml may say to EmotionResponses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rasa_emotion.conversation.rephrase import RULES
from rasa_emotion.conversation.ssml import DIALECTS, Prosody, prosody_table
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_flag, check_names, check_number, check_text, checked

OWNER = "EmotionResponses"

DEFAULTS: dict[str, Any] = {
    # What stood under `nlg:` before, such as {url: "http://..."}; it answers wherever no emotion variation fits.
    "wrap": None,
    # Probability of the emotion below which the turn's emotion counts as unknown.
    "min_confidence": 0.0,
    # Response whose variation is put before the first reply to a caller who has become angry, upset or worried.
    "acknowledge": "utter_acknowledge",
    # What was said in so many of the latest turns is worn: another variation is taken, and no opening is said again.
    "no_repeat": 3,
    # Rules for plain texts that upset, hostile or distressed callers get; [] leaves the texts as they are.
    "rephrase": list(RULES),
    # Dialect of the markup for voices: ssml, azure, polly or espeak.
    "ssml": None,
    # Output channels whose replies get the markup.
    "voice_channels": [],
    # Put the markup into `custom` instead of a field of its own, for channels that pass nothing else on.
    "ssml_custom": False,
    # Name of the voice, which Azure needs, and language of the texts.
    "voice": None,
    "language": "en-US",
    # Rows of the prosody table that differ from the defaults.
    "prosody": {},
}


@dataclass(frozen=True)
class ResponseOptions:
    """The options after their checks; see `DEFAULTS` for what they mean."""

    wrap: Mapping[str, Any] | None
    min_confidence: float
    acknowledge: str | None
    no_repeat: int
    rephrase: frozenset[str]
    ssml: str | None
    voice_channels: frozenset[str]
    ssml_custom: bool
    voice: str | None
    language: str
    prosody: Mapping[str, Prosody]

    @classmethod
    def checked(cls, given: Mapping[str, Any], responses: Collection[str] = ()) -> "ResponseOptions":
        """The options as given, completed by the defaults.

        Args:
            given: what stands beside `type`.
            responses: names of the domain's responses, empty where the domain is not known yet.

        Raises:
            ConfigError: an option does not exist or cannot be used.
        """
        options = checked(OWNER, given, DEFAULTS)
        if options["wrap"] is not None and not isinstance(options["wrap"], dict):
            raise ConfigError(f"{OWNER}: 'wrap' is {options['wrap']!r}; give what stood under 'nlg:' before.")
        check_number(OWNER, "min_confidence", options["min_confidence"], above=-1e-9, at_most=1)
        _check_count("no_repeat", options["no_repeat"])
        check_text(OWNER, "acknowledge", options["acknowledge"], optional=True)
        name = options["acknowledge"]
        if responses and given.get("acknowledge") and name not in responses:
            raise ConfigError(f"{OWNER}: 'acknowledge' names '{name}', which the domain lacks; add this response.")
        check_names(OWNER, "rephrase", options["rephrase"], RULES)
        _check_voice(options)
        return cls(
            **{
                **options,
                "rephrase": frozenset(options["rephrase"]),
                "voice_channels": frozenset(options["voice_channels"]),
                "prosody": prosody_table(OWNER, options["prosody"]),
            }
        )


def _check_voice(options: Mapping[str, Any]) -> None:
    dialect = options["ssml"]
    if dialect is not None and dialect not in DIALECTS:
        raise ConfigError(f"{OWNER}: 'ssml' is {dialect!r}; choose from {', '.join(DIALECTS)}.")
    check_names(OWNER, "voice_channels", options["voice_channels"])
    if (dialect is None) != (not options["voice_channels"]):
        raise ConfigError(f"{OWNER}: 'ssml' and 'voice_channels' belong together; give both or none.")
    check_flag(OWNER, "ssml_custom", options["ssml_custom"])
    check_text(OWNER, "voice", options["voice"], optional=True)
    if dialect == "azure" and options["voice"] is None:
        raise ConfigError(f"{OWNER}: 'ssml: azure' needs a 'voice'; give its name, such as en-US-AriaNeural.")
    check_text(OWNER, "language", options["language"])
    if not isinstance(options["prosody"], Mapping):
        raise ConfigError(f"{OWNER}: 'prosody' is {options['prosody']!r}; give rows such as {{angry: {{rate: -15}}}}.")


def _check_count(key: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"{OWNER}: '{key}' is {value!r}; give a whole number of turns, 0 to switch it off.")
