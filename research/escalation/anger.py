"""Fit how turns tell that the caller has turned angry: `python -m research.escalation.anger models`.

The calls are simulated after the protocol of rasa_emotion.evaluation.calls, with the evidence of models that have not
heard the speakers. Half of them say held-out sentences of public corpora, half the training half of the customers'
utterances, which the text model has seen; the test half stays out. It writes the weights into the acoustic model's
folder, as anger.json, and prints them.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from rasa_emotion.anger_weights import BOTH, KINDS, WORDS, AngerModel, Models, Weights, write_weights
from rasa_emotion.conversation.anger import features, log_odds
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.evaluation.calls import CALLS_FILE, CLEAN, Bank, Call, draw_calls, hear_call, read_bank
from rasa_emotion.fusion import Fusion
from rasa_emotion.fusion.product import fusion_for
from rasa_emotion.model_folder import sha256
from rasa_emotion.text.classifier import MODEL_FILE
from research.escalation.asking import asked
from research.escalation.calls import read
from research.fusion.material import Material, read_words

Floats = NDArray[np.float64]

COUNT, SEED = 2000, 41
TRAINING_HALF = Path("tests/data/customer_utterances/train.csv")

FALSE_CALLS = 0.02
"""Share of the calm calls in which the score may reach 0.5."""

PLAIN_WORDS = 0.5
"""Part of those that words alone may cause where there is a voice too."""


def sentences(material: Material, folder: Path) -> Bank:
    """Held-out sentences as a bank, undisturbed."""
    return Bank(
        (CLEAN,),
        material.labels,
        material.groups,
        material.probabilities[:1].astype(np.float32),
        material.reliability[:1].astype(np.float32),
        np.full((1, len(material.labels)), np.nan, dtype=np.float32),
        folder.name,
        sha256(folder / MODEL_FILE),
    )


def heard_calls(
    voices: Bank, words: Bank, fusion: Fusion, *, count: int = COUNT, seed: int = SEED
) -> list[tuple[Call, list[EmotionEstimate]]]:
    """Calm calls and calls that turn angry, as many of each, with their estimates."""
    calls = [
        call
        for turning in (False, True)
        for call in draw_calls(voices, words, count=count, turning=turning, seed=seed + turning)
    ]
    return [(call, list(hear_call(call, voices, words, fusion))) for call in tqdm(calls, desc="calls", mininterval=5)]


def fit(heard: Iterable[tuple[Call, Sequence[EmotionEstimate]]]) -> Models:
    """The weights for voice and words, voice alone and words alone, each fitted on the same calls.

    Turns with voice and words take the higher of two scores; see `anger_score`. The words' own may reach 0 in
    `PLAIN_WORDS` of the false calls; that of both together gets what is left of them.
    """
    calls = list(heard)
    calm = np.array([call.turned is None for call, _ in calls])
    angry = np.concatenate([call.angry for call, _ in calls])
    models, highest = {}, {}
    for kind in KINDS:
        rows = [_rows(estimates, sorted(kind)) for _, estimates in calls]
        weights = [
            round(float(w), 4) for w in LogisticRegression(max_iter=1000).fit(np.concatenate(rows), angry).coef_[0]
        ]
        parts = {name: Weights(*weights[3 * place : 3 * place + 3]) for place, name in enumerate(sorted(kind))}
        highest[kind] = np.array([float((row @ weights).max()) for row in rows])[calm]
        models[kind] = AngerModel(_bias(highest[kind], FALSE_CALLS), parts)
    words_bias = _bias(highest[WORDS], FALSE_CALLS * PLAIN_WORDS)
    plain = highest[WORDS] + words_bias >= 0
    both = _bias(np.where(plain, -np.inf, highest[BOTH]), FALSE_CALLS - float(plain.mean()))
    return models | {BOTH: AngerModel(both, models[BOTH].modalities, words_bias)}


def _bias(highest: Floats, share: float) -> float:
    """What to add so that no more than this share of the calm calls has a score above 0.

    Args:
        highest: each calm call's highest score without it, shape [calls].
        share: 0 to 1.
    """
    return -round(float(np.quantile(highest, 1 - share)), 4)


def _rows(estimates: Sequence[EmotionEstimate], modalities: Sequence[str]) -> Floats:
    """The features of each turn, shape [turns, 3 modalities]."""
    odds = {modality: [log_odds(estimate, modality) for estimate in estimates] for modality in modalities}
    return np.array(
        [
            [value for modality in modalities for value in features(odds[modality][: turn + 1], modality)]
            for turn in range(len(estimates))
        ]
    )


def as_json(models: Models) -> dict[str, Any]:
    """The weights for people and documents."""
    return {
        " and ".join(sorted(modalities)): {
            "bias": model.bias,
            **({} if model.words_bias is None else {"words_bias": model.words_bias}),
            **{modality: vars(weights) for modality, weights in model.modalities.items()},
        }
        for modalities, model in models.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = asked("anger", __doc__)
    parser.add_argument("--sentences", type=Path, default=TRAINING_HALF, help="CSV with text, emotion and style")
    options = parser.parse_args(arguments)
    try:
        voices = read_bank(options.models / options.acoustic / CALLS_FILE)
        text = options.models / "text"
        words = [sentences(read_words(text, options.data, options.cache), text), read(text, options.sentences)]
        fusion = Fusion.load(options.models / fusion_for(options.acoustic))
    except RasaEmotionError as error:
        sys.exit(str(error))
    fitted = fit([call for bank in words for call in heard_calls(voices, bank, fusion)])
    write_weights(options.models / options.acoustic, fitted)
    print(json.dumps(as_json(fitted), indent=2))


if __name__ == "__main__":
    main()
