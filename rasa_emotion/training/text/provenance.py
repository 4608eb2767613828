"""What stands behind trained weights, and what follows for those who use them."""

import json
from collections.abc import Sequence
from pathlib import Path

from rasa_emotion.model_folder import OWN
from rasa_emotion.training.text.recipe import Recipe
from rasa_emotion.training.text.start import MINILM, is_run

PROVENANCE = "provenance.json"
"""File of a training's folder: every corpus and model behind its weights, those of its start among them."""

APACHE, SOURCE, RESEARCH = "Apache-2.0", "LicenseRef-Source", "LicenseRef-Research"

FREE = frozenset(
    {
        MINILM,
        "goemotions",
        "customer_sentences.csv",
        "customer_utterances/train.csv",
        "customer_wording/train.csv",
        "customer_wording/train_kinds.csv",
        "customer_wording/train_more.csv",
        "customer_wording/train_pairs.csv",
        "customer_wording/train_denials.csv",
        "customer_wording/train_turns.csv",
    }
)
"""Under the Apache licence."""
RESTRICTED = frozenset({"meld", "dair_emotion", "tweeteval_emotion", "emocontext"})
"""Tweets and chats are for research; MELD is under the GPL, and whether that binds weights nobody has settled."""

TEXTS = {
    OWN: """These weights were trained on sentences of your own; the card beside this file names them.

Nobody but you can say who may use them. Replace this text by your own terms before you pass the weights on.
""",
    SOURCE: """These weights come from a model of other people; the card beside this file names it.

Its terms hold for them too. Read its own card or licence before you use or pass on this folder, and replace this text
by those terms.
""",
    RESEARCH: """These weights were trained on text that is for research and evaluation only; the card beside this file
names it. Companies may not use them.
""",
}


def provenance(recipe: Recipe) -> list[str]:
    """Names of the corpora and models behind a training that follows the recipe, without part, sorted.

    >>> from rasa_emotion.training.text.recipe import Source
    >>> provenance(Recipe(train=(Source("meld_train"),), labels=("joy", "anger")))
    ['meld', 'minilm']
    """
    before = behind(recipe.start)
    for source in recipe.train:
        before += behind(source.teacher) if source.teacher else []
    own = [_file(s.corpus) if s.corpus.endswith(".csv") else s.corpus.rpartition("_")[0] for s in recipe.train]
    return sorted({*before, *own})


def behind(start: str) -> list[str]:
    """What stands behind an earlier training, or the name of somebody's model."""
    if not is_run(start):
        return [start]
    stored = Path(start) / PROVENANCE
    return list(json.loads(stored.read_text(encoding="utf-8"))) if stored.is_file() else [MINILM]


def _file(path: str) -> str:
    """A file's name, with that of its folder where a recipe's path names one."""
    return "/".join([part for part in Path(path).parts if part != ".."][-2:])


def licence_of(names: Sequence[str]) -> tuple[str, bool]:
    """SPDX identifier of weights, and whether companies may use them.

    >>> licence_of(["goemotions", "minilm"])
    ('Apache-2.0', True)
    """
    if RESTRICTED & set(names):
        return RESEARCH, False
    rest = set(names) - FREE
    if all(name.endswith(".csv") for name in rest):
        return (OWN if rest else APACHE), True
    return SOURCE, False
