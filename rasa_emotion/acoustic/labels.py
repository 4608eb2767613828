"""The labels of other people's audio classifiers on the eight emotions."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import BY_NAME, EMOTIONS
from rasa_emotion.errors import ModelError

NAMES: Mapping[str, str] = MappingProxyType(
    {
        **BY_NAME,
        "ang": "angry",
        "dis": "disgust",
        "disgusted": "disgust",
        "exc": "happy",
        "excited": "happy",
        "excitement": "happy",
        "fea": "fear",
        "fearful": "fear",
        "hap": "happy",
        "joyful": "happy",
        "neu": "neutral",
        "surprised": "surprise",
        "sur": "surprise",
    }
)
"""What a label means unless somebody says otherwise: the names of the corpora, their forms and IEMOCAP's short ones."""

ABSENT = -100.0
"""Added to a logit that does not count for an emotion: its share is e to this power, 0 in float32."""


def label_matrix(
    labels: Sequence[str], *, given: Mapping[str, str | None] | None = None, source: str = ""
) -> NDArray[np.float32]:
    """Which label counts for which emotion: float32 [8, labels], 0 where it does and `ABSENT` where it does not.

    Added to a classifier's logits, a log-sum-exp over the last axis makes logits of the eight: the probabilities of
    labels of the same emotion add up, and what has no emotion is left out.

    Args:
        labels: the classifier's own, in its order; upper and lower case are the same.
        given: emotions of labels, before `NAMES`; None as a value leaves a label out.
        source: the classifier, for the error.

    Raises:
        ModelError: no label means an emotion, or `given` names a label or an emotion that does not exist.
    """
    names = [label.strip().lower() for label in labels]
    own = {label.strip().lower(): emotion for label, emotion in (given or {}).items()}
    wrong = [label for label in given or {} if label.strip().lower() not in names]
    wrong += [emotion for emotion in own.values() if emotion is not None and emotion not in EMOTIONS]
    if wrong:
        raise ModelError(
            f"Labels of '{source}': {', '.join(wrong)} is neither one of its labels ({', '.join(labels)}) nor one of "
            f"the emotions ({', '.join(EMOTIONS)}); name LABEL=EMOTION pairs of these."
        )
    meant = [own[name] if name in own else NAMES.get(name) for name in names]
    if not any(meant):
        raise ModelError(
            f"None of the labels of '{source}' ({', '.join(labels)}) is known as an emotion; say what they mean with "
            "LABEL=EMOTION pairs ('label_map' in model.json, --label on the command line)."
        )
    matrix = np.full((len(EMOTIONS), len(labels)), ABSENT, dtype=np.float32)
    for column, emotion in enumerate(meant):
        if emotion is not None:
            matrix[EMOTIONS.index(emotion), column] = 0.0
    return matrix
