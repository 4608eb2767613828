"""How far a text model can be trusted with a text, by the languages that its folder names."""

from collections.abc import Sequence

from rasa_emotion.text.cleaning import LANGUAGE_WORDS, TextQuality
from rasa_emotion.text.language import foreign_language

ENGLISH = ("en",)
"""What a folder that names no `languages` reads: those that were made before folders named them."""

UNKNOWN = "[UNK]"


def judged(
    quality: TextQuality, text: str, tokens: Sequence[str], languages: Sequence[str]
) -> tuple[float, str | None]:
    """Reliability, 0 to 1, and the code of the language where it is none of the model's.

    What `TextQuality` measures of an English text was measured for the English vocabulary. Other models are trusted
    with what they have pieces for, unless the detector is sure of a language that they do not read.

    Args:
        quality: of the text.
        text: cleaned.
        tokens: its tokens.
        languages: codes of those that the model reads.
    """
    if tuple(languages) == ENGLISH:
        return quality.reliability, quality.foreign_language
    found = foreign_language(text) if quality.words >= LANGUAGE_WORDS else None
    if found is not None and found.partition("-")[0] not in languages:
        return 0.0, found
    known = sum(1 for token in tokens if token != UNKNOWN)
    return round(known / len(tokens), 4) if quality.words else 0.0, None
