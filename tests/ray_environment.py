"""An environment with Ray and without Rasa, for the nightly tests of both that run on it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PATIENT = {"RAY_agent_register_timeout_ms": "300000", "RAY_health_check_failure_threshold": "60"}
"""Ray ends a cluster whose parts come up slowly; a test machine has other things to do."""


@pytest.fixture(scope="session")
def ray_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its Python, with the extras `ray` and `score`."""
    folder = tmp_path_factory.mktemp("ray") / "environment"
    uv = str(ROOT / ".tools" / "bin" / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    made = str(folder / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", made, f"{ROOT}[ray,score]"], check=True)
    return made
