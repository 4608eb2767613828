"""The low-level descriptors of system E: pitch, loudness, jitter, shimmer, HNR and MFCC, every 10 ms.

The first five are openSMILE's, out of the extended Geneva set (F. Eyben et al., "The Geneva Minimalistic Acoustic
Parameter Set (GeMAPS) for voice research and affective computing", 2016), smoothed over three frames.
"""

from functools import lru_cache
from typing import Any

import librosa
import numpy as np
import opensmile
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE

VOICE = (
    "F0semitoneFrom27.5Hz_sma3nz",  # 0 where unvoiced
    "Loudness_sma3",
    "jitterLocal_sma3nz",
    "shimmerLocaldB_sma3nz",
    "HNRdBACF_sma3nz",  # in dB: the logarithm that the system asks for
)
MFCC = 13
HOP = SAMPLE_RATE // 100
NAMES = (*VOICE, *(f"mfcc{number}" for number in range(MFCC)))
DIMS = 2 * len(NAMES)
SHORTEST_SECS = 0.2  # openSMILE's pitch needs a few windows of 60 ms


def descriptors(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Descriptors in the order of `NAMES`, then their differences from frame to frame: shape [frames, DIMS].

    Args:
        samples: mono at 16 kHz; what is shorter than `SHORTEST_SECS` is filled with silence.
    """
    shortest = int(SHORTEST_SECS * SAMPLE_RATE)
    if len(samples) < shortest:
        samples = np.pad(samples, (0, shortest - len(samples)))
    voice = _smile().process_signal(samples, SAMPLE_RATE)[list(VOICE)].to_numpy(dtype=np.float32)
    # uncentred, as openSMILE's frames are
    mfcc = librosa.feature.mfcc(
        y=samples, sr=SAMPLE_RATE, n_mfcc=MFCC, n_fft=512, win_length=400, hop_length=HOP, center=False
    ).T
    frames = min(len(voice), len(mfcc))
    joined = np.concatenate([voice[:frames], mfcc[:frames]], axis=1)
    differences = np.diff(joined, axis=0, prepend=joined[:1])
    return np.asarray(np.concatenate([joined, differences], axis=1), dtype=np.float32)


@lru_cache(maxsize=1)
def _smile() -> Any:
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
    )
