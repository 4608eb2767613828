"""A tiny corpus in the layout of the manifest: tones and noises under the names of real corpora."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

SPEAKERS = {
    "ravdess": ["ravdess-01", "ravdess-02", "ravdess-03", "ravdess-04", "ravdess-05"],
    "emodb": ["emodb-03", "emodb-08"],
    "emogator": ["emogator-000001", "emogator-000002"],
    "tess": ["tess-OAF"],
    "savee": ["savee-DC"],
}
FREQS = {"angry": 2000, "happy": 1200, "neutral": 600, "sad": 250}
TAKES = 3


@pytest.fixture(scope="session")
def many_corpora(tmp_path_factory: pytest.TempPathFactory, tone: Callable[..., NDArray[np.float32]]) -> Path:
    """Five corpora of tones, each emotion at its pitch; EmoGator says "Pride" in place of angry."""
    folder = tmp_path_factory.mktemp("many")
    generator = np.random.default_rng(0)
    rows = ["path,corpus,speaker,label,emotion,fold,seconds,text"]
    for corpus, speakers in SPEAKERS.items():
        for number, speaker in enumerate(speakers):
            for emotion, freq in FREQS.items():
                for take in range(TAKES):
                    path = f"{speaker}-{emotion}-{take}.wav"
                    sound = tone(freq * (1 + 0.01 * number), 0.5 + 0.05 * take)
                    soundfile.write(folder / path, sound + generator.normal(0, 0.01, len(sound)), 16_000)
                    burst = corpus == "emogator" and emotion == "angry"
                    label, mapped = ("Pride", "") if burst else (emotion, emotion)
                    fold = number + 1 if corpus == "ravdess" else ""
                    rows.append(f"{path},{corpus},{speaker},{label},{mapped},{fold},0.5,")
    folder.joinpath("speech.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
