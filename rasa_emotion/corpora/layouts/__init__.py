"""How each speech corpus lies on disk as it is published, one module a corpus."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path, PurePath
from types import MappingProxyType

from rasa_emotion.corpora.layouts import (
    crema_d,
    emodb,
    emogator,
    iemocap,
    iesc,
    meld,
    msp_podcast,
    ravdess,
    savee,
    tess,
)
from rasa_emotion.corpora.layouts.layout import Layout, Parse, Utterance, audio_files
from rasa_emotion.errors import ConfigError

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        module.LAYOUT.corpus: module.LAYOUT
        for module in (ravdess, crema_d, tess, savee, iemocap, msp_podcast, meld, emogator, emodb, iesc)
    }
)

PARSERS: Mapping[str, Parse] = MappingProxyType(
    {module.LAYOUT.corpus: module.parse for module in (ravdess, crema_d, tess, savee, emogator, emodb, iesc)}
)
"""Readers of one file name, for the corpora whose names say everything."""


def layout(corpus: str) -> Layout:
    """The layout of a corpus by its name.

    Raises:
        ConfigError: no layout has that name.
    """
    if corpus not in LAYOUTS:
        raise ConfigError(f"No layout is known for the corpus '{corpus}': name one of {', '.join(LAYOUTS)}.")
    return LAYOUTS[corpus]


def recognise(root: Path) -> Layout:
    """The layout that a folder is in, by its tables of labels or by the names of most of its files.

    Raises:
        ConfigError: it is in none.
    """
    files = list(islice(audio_files(root), 200))
    if not any(path.is_file() for path in root.rglob("*")):
        raise ConfigError(f"'{root}' holds no sound file: name the folder that the corpus was unpacked to.")
    scores = {name: candidate.score(root, files) for name, candidate in LAYOUTS.items()}
    best = max(scores, key=scores.__getitem__)
    if scores[best] <= 0.5:
        raise ConfigError(
            f"'{root}' is in no published layout that is known ({', '.join(LAYOUTS)}): name its corpus with --corpus."
        )
    return LAYOUTS[best]


def script_of(corpus: str, path: str) -> str:
    """Which scripted sentence a file of a corpus speaks, as its name tells; "" where it does not.

    >>> script_of("tess", "audio/OAF_Fear/OAF_back_fear.ogg")
    'back'
    """
    parse = PARSERS.get(corpus)
    said = parse(PurePath(path)) if parse else None
    return said.script if isinstance(said, Utterance) else ""
