"""An opened recording before it is mixed and resampled."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_CHANNELS = 8


@dataclass(frozen=True)
class Sound:
    """What a decoder gives.

    Args:
        sample_rate: Hz.
        channels: 1 or more.
        blocks: consecutive, float32, shape [frames, channels]; samples may be infinite or no number.
    """

    sample_rate: int
    channels: int
    blocks: Iterator[NDArray[np.float32]]
