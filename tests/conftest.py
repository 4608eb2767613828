"""Fixtures that all tests share: sounds made on the spot, and the corpora where they are present."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# Set before numpy, onnxruntime or Rasa are imported, since they read these once. Nothing in a test may reach a network.
for _name, _value in {
    "OMP_NUM_THREADS": "1",
    "RASA_TELEMETRY_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}.items():
    os.environ.setdefault(_name, _value)

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from needed import skip_without  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from postgresql_server import either_engine, postgresql, postgresql_server  # noqa: E402, F401 -- fixtures
from ray_environment import ray_python  # noqa: E402, F401
from redis_server import redis_port  # noqa: E402, F401

# A busy machine must not fail a test, and in CI the same tests must draw the same examples.
settings.register_profile(
    "project",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of a test
    derandomize="CI" in os.environ,
)
settings.load_profile("project")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _give_lazy_modules_a_file()
    # Slow files first: where several processes share the tests, none is left alone with a long one at the end.
    items.sort(key=lambda item: item.get_closest_marker("rasa") is None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    _give_lazy_modules_a_file()


def _give_lazy_modules_a_file() -> None:
    """Keep Hypothesis, which asks every loaded module for its file, from making SpeechBrain's lazy ones load.

    They stand for optional packages (k2, flair, ...) whose import fails here and would stop the whole run.
    """
    lazy = sys.modules.get("speechbrain.utils.importutils")
    if lazy is not None:
        lazy.LazyModule.__file__ = lazy.__file__


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the corpora: `$RASA_EMOTION_DATA` or `../shared/data`; the test is skipped where it is absent."""
    folder = Path(os.environ.get("RASA_EMOTION_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / "speech.csv").is_file():
        pytest.skip(f"no corpora in {folder}: RASA_EMOTION_DATA=FOLDER make test")
    return folder


@pytest.fixture(scope="session")
def tone() -> Callable[..., NDArray[np.float32]]:
    """`tone(freq, secs, sample_rate=16_000, level=0.3)`: a sine, float32, shape [samples]."""

    def make(freq: float, secs: float, sample_rate: int = 16_000, level: float = 0.3) -> NDArray[np.float32]:
        times = np.arange(round(secs * sample_rate)) / sample_rate
        return (level * np.sin(2 * np.pi * freq * times)).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`speech(text, voice="en-us", speed=160)`: path of a mono WAV file at 22,050 Hz, spoken by espeak-ng.

    The same words give the same file, which tests must not change. Without espeak-ng the test is skipped.
    """
    skip_without("espeak-ng")
    folder = tmp_path_factory.mktemp("speech")
    made: dict[tuple[str, str, int], Path] = {}

    def say(text: str, voice: str = "en-us", speed: int = 160) -> Path:
        key = (text, voice, speed)
        if key not in made:
            path = folder / f"{len(made)}.wav"
            command = ["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(path)]
            subprocess.run(command, input=text, text=True, check=True, capture_output=True)
            made[key] = path
        return made[key]

    return say
