"""Small trees in the corpora's published layouts, filled with tones."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, tone: Callable[..., NDArray[np.float32]]) -> Write:
    """`write(path, ..., secs=0.1)`: tones of that length under these paths of a folder, which is returned."""
    root = tmp_path / "corpus"

    def make(*paths: str, secs: float = 0.1) -> Path:
        stream = io.BytesIO()
        soundfile.write(stream, tone(300, secs), 16_000, format="WAV")
        for path in paths:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(stream.getvalue())
        return root

    return make
