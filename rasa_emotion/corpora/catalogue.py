"""What each speech corpus is, and what its licence asks of weights that were trained on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rasa_emotion.errors import ConfigError


@dataclass(frozen=True)
class Corpus:
    """A corpus' title, licence, whether companies may use weights trained on it, and one line on what it holds."""

    title: str
    licence: str
    commercial: bool
    holds: str


CORPORA: Mapping[str, Corpus] = MappingProxyType(
    {
        "ravdess": Corpus(
            "RAVDESS", "CC BY-NC-SA 4.0", False, "two sentences acted in eight emotions, American English"
        ),
        "emogator": Corpus("EmoGator", "Apache-2.0", True, "vocal bursts such as laughs, sighs and groans"),
        "iesc": Corpus(
            "Indian EmoSpeech Command", "CC BY-NC-SA 4.0", False, "short commands in homes, streets and metro"
        ),
        "tess": Corpus("TESS", "CC BY-NC-ND 4.0", False, "two actresses, seven emotions, augmented copies"),
        "savee": Corpus("SAVEE", "research only", False, "four men, seven emotions, augmented copies"),
        "emodb": Corpus("EmoDB", "free for research", False, "German, acted; four of its seven emotions"),
    }
)


def corpus(name: str) -> Corpus:
    """A corpus by its name in the manifest.

    Raises:
        ConfigError: it is not in the catalogue, so nothing is known of its licence.
    """
    if name not in CORPORA:
        raise ConfigError(f"Corpus '{name}' has no entry in {__name__}: add its title and licence there.")
    return CORPORA[name]


def commercial(names: Iterable[str]) -> bool:
    """Whether companies may use weights that were trained on all of these."""
    return all(corpus(name).commercial for name in names)
