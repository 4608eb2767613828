"""The wheel, installed into a clean environment outside the checkout: its own models are found and work."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

CALL = """
import json, sys
from rasa_emotion import EmotionAnalyzer
from rasa_emotion.model_folder import shipped_models
estimate = EmotionAnalyzer.load().analyze(audio=sys.argv[1], text="This is an outrage, I want my money back!")
print(json.dumps({"estimate": estimate.to_dict(), "models": str(shipped_models()), "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def uv(repository: Path) -> str:
    """The installer that `make test` put into the project."""
    return str(repository / ".tools" / "bin" / "uv")


@pytest.fixture(scope="module")
def wheel(repository: Path, uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--python", sys.executable, "--build-constraints", "requirements/build.txt"]
    subprocess.run([uv, "build", "--wheel", *options, "--out-dir", str(folder)], cwd=repository, check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def clean(repository: Path, uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with the wheel and its core dependencies, nothing else."""
    folder = tmp_path_factory.mktemp("clean") / "environment"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    lock = str(repository / "requirements" / "run.txt")
    command = [uv, "pip", "install", "--quiet", "--python", str(python), "--constraints", lock, str(wheel)]
    subprocess.run(command, check=True)
    return folder / "bin"


def run(program: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program of the clean environment, outside the checkout and without its paths."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    command = [str(program), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_holds_the_models_with_their_licences_but_no_folds_and_no_corpora(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for model in ("acoustic", "acoustic-emogator", "text"):
        for file in ("model.json", "model.onnx", "card.md", "LICENSE"):
            assert f"rasa_emotion/models/{model}/{file}" in names
    assert "rasa_emotion/models/text/tokenizer.json" in names
    assert "rasa_emotion/models/fusion/fusion.json" in names
    endings = (".wav", ".flac", ".ogg", ".csv", ".tsv", ".parquet", ".ckpt", ".pt", ".pkl")
    own = (
        "rasa_emotion/training/text/customer_sentences.csv",  # written for this project
        "rasa_emotion/console/static/sample.wav",  # a synthetic voice, for the workbench's first visit
    )
    assert [name for name in names if "/folds/" in name or (name.endswith(endings) and name not in own)] == []
    assert {name.split("/")[0].split("-")[0] for name in names} == {"rasa_emotion"}


def test_the_wheel_stays_small(wheel: Path) -> None:
    sizes = {info.filename: info.file_size for info in zipfile.ZipFile(wheel).infolist()}
    text = sum(size for name, size in sizes.items() if name.startswith("rasa_emotion/models/text/"))
    assert sizes["rasa_emotion/models/acoustic/model.onnx"] <= 10_000_000
    assert text <= 25_000_000


def test_voice_and_words_are_analysed_from_the_wheel_alone(
    clean: Path, speech: Callable[..., Path], tmp_path: Path
) -> None:
    clip = speech("This is an outrage, I want my money back!")
    answer = run(clean / "python", "-c", CALL, str(clip), folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert Path(report["models"]).is_relative_to(clean.parent)
    assert set(report["estimate"]["evidence"]) == {"acoustic", "text"}
    assert sum(report["estimate"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert {"torch", "transformers", "sklearn", "rasa"} & set(report["modules"]) == set()


def test_no_torch_can_be_imported_there(clean: Path, tmp_path: Path) -> None:
    assert "No module named 'torch'" in run(clean / "python", "-c", "import torch", folder=tmp_path).stderr


def test_the_doctor_finds_it_whole(clean: Path, tmp_path: Path) -> None:
    answer = run(clean / "rasa-emotion", "doctor", "--json", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["healthy"] is True
    states = {finding["name"]: finding for finding in report["findings"]}
    assert states["acoustic"]["facts"]["commercial"] is False
    assert states["acoustic-emogator"]["facts"]["commercial"] is True
    assert states["text"]["facts"]["commercial"] is True
    assert "rasa==3.6.21" in states["rasa"]["mend"]


def test_the_doctor_tells_an_altered_model_and_how_to_bring_it_back(clean: Path, wheel: Path, tmp_path: Path) -> None:
    package = next(clean.parent.glob("lib/python3.10/site-packages/rasa_emotion"))
    weights = package / "models" / "acoustic-emogator" / "model.onnx"
    # A new file in its place: the installer may share the old one's content with its cache.
    whole = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(whole[:-1])
    try:
        answer = run(clean / "rasa-emotion", "doctor", "--json", folder=tmp_path)
    finally:
        weights.unlink()
        weights.write_bytes(whole)
    finding = next(item for item in json.loads(answer.stdout)["findings"] if item["name"] == "acoustic-emogator")
    assert finding["ok"] is False
    assert str(weights) in finding["detail"]
    assert finding["mend"].endswith(f"--force-reinstall --no-deps {wheel.as_uri()}")
