"""What `rasa-emotion doctor` finds, and the commands that it names."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rasa_emotion.cli import doctor as module
from rasa_emotion.cli.doctor import EXTRAS, Finding, doctor, examine
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import write_manifest


def add_model(folder: Path, name: str, kind: str, *, licence: str = "Apache-2.0", commercial: bool = True) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "weights").write_bytes(name.encode())
    manifest = {"name": name, "kind": kind, "licence": licence, "commercial": commercial, "summary": f"hears {name}"}
    write_manifest(path, ["weights"], **manifest)
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    add_model(folder, "acoustic", "acoustic", licence="CC-BY-NC-SA-4.0", commercial=False)
    add_model(folder, "text", "text")
    add_model(folder, "fusion", "fusion")
    return folder


def call(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of the verb."""
    app = typer.Typer()
    app.command()(doctor)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def named(findings: list[Finding], section: str, name: str) -> Finding:
    return next(finding for finding in findings if (finding.section, finding.name) == (section, name))


def hide(monkeypatch: pytest.MonkeyPatch, package: str, *, as_version: str | None = None) -> None:
    """Make `package` look absent, or installed in another version."""
    truth = metadata.version

    def version(name: str) -> str:
        if name != package:
            return truth(name)
        if as_version is None:
            raise metadata.PackageNotFoundError(name)
        return as_version

    monkeypatch.setattr(metadata, "version", version)


def test_a_whole_installation_exits_with_0_and_names_every_licence_in_one_line(models: Path) -> None:
    code, output = call("--json", "--models", models)
    report = json.loads(output)
    assert code == 0
    assert report["healthy"] is True
    assert report["python"].startswith("3.10.")
    found = {finding["name"]: finding for finding in report["findings"] if finding["section"] == "model"}
    assert found["acoustic"]["detail"] == "CC-BY-NC-SA-4.0, research and evaluation only: hears acoustic"
    assert found["text"]["detail"] == "Apache-2.0, companies may use it: hears text"
    assert len(found["fusion"]["facts"]["checksum"]) == 64


def test_people_read_a_table_and_the_verdict(models: Path) -> None:
    code, output = call("--models", models)
    assert code == 0
    assert "Voice and words can be analysed." in output
    assert "hears text" in output


def test_an_altered_core_model_exits_with_1_and_names_the_file(models: Path) -> None:
    (models / "text" / "weights").write_bytes(b"other")
    code, output = call("--json", "--models", models)
    finding = next(item for item in json.loads(output)["findings"] if item["name"] == "text")
    assert code == 1
    assert finding["ok"] is False
    assert str(models / "text" / "weights") in finding["detail"]
    assert "cannot be analysed" in call("--models", models)[1]


def test_a_missing_core_model_exits_with_1(tmp_path: Path) -> None:
    code, output = call("--models", tmp_path)
    assert code == 1
    assert "model.json is missing" in " ".join(output.split())


def test_an_extra_lists_what_it_brings_and_nothing_of_the_core(models: Path) -> None:
    found = {finding.name: finding for finding in examine(models) if finding.section == "extra"}
    assert "av" in found["formats"].facts["versions"]
    assert not any("pycld2" in finding.facts.get("versions", {}) for finding in found.values())


def test_a_further_model_is_shown_but_not_required(models: Path) -> None:
    further = add_model(models, "acoustic-emogator", "acoustic")
    assert named(examine(models), "model", "acoustic-emogator").detail.startswith("Apache-2.0, companies may use it")
    (further / "weights").unlink()
    finding = named(examine(models), "model", "acoustic-emogator")
    assert (finding.ok, finding.required) == (False, False)
    assert call("--models", models)[0] == 0


def test_a_broken_manifest_is_a_finding_and_no_crash(models: Path) -> None:
    add_model(models, "odd", "text")
    (models / "odd" / "model.json").write_text("[1, 2")
    finding = named(examine(models), "model", "odd")
    assert not finding.ok
    assert "is not a model manifest" in finding.detail


def test_a_missing_extra_names_the_command_for_this_python(monkeypatch: pytest.MonkeyPatch, models: Path) -> None:
    hide(monkeypatch, "speechbrain")
    finding = named(examine(models), "extra", "torch")
    assert (finding.ok, finding.required) == (False, False)
    assert "lacks speechbrain" in finding.detail
    assert sys.executable in finding.mend
    assert "'speechbrain<2,>=1.0'" in finding.mend
    assert "transformers" not in finding.mend


def test_a_package_that_is_too_old_counts_as_missing(monkeypatch: pytest.MonkeyPatch, models: Path) -> None:
    hide(monkeypatch, "soundfile", as_version="0.1.0")
    finding = named(examine(models), "core", "rasa-emotion")
    assert not finding.ok
    assert "soundfile is missing or too old" in finding.detail
    assert finding.mend.endswith("'soundfile<0.15,>=0.12'")
    assert call("--models", models)[0] == 1


def test_a_core_package_that_does_not_load_is_installed_again(monkeypatch: pytest.MonkeyPatch, models: Path) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    finding = named(examine(models), "core", "rasa-emotion")
    assert not finding.ok
    assert "soundfile does not load" in finding.detail
    assert "--force-reinstall" in finding.mend


def test_a_shipped_model_comes_back_from_git_in_a_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "shipped_models", lambda: tmp_path / "models")
    assert named(examine(), "model", "text").mend == f"git -C {tmp_path} checkout -- models/text"


def test_a_shipped_model_comes_back_from_the_wheel_where_that_was_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    truth = metadata.distribution("rasa-emotion")

    class Installed(metadata.Distribution):
        def read_text(self, filename: str) -> str | None:
            return '{"url": "file:///wheels/it.whl"}' if filename == "direct_url.json" else truth.read_text(filename)

        def locate_file(self, path: object) -> Path:
            return tmp_path / str(path)

    monkeypatch.setattr(module, "shipped_models", lambda: tmp_path / "rasa_emotion" / "models")
    monkeypatch.setattr(metadata, "distribution", lambda name: Installed())
    mend = named(examine(), "model", "text").mend
    assert mend.endswith("--force-reinstall --no-deps file:///wheels/it.whl")


def test_every_extra_that_people_may_want_is_explained() -> None:
    offered = set(metadata.distribution("rasa-emotion").metadata.get_all("Provides-Extra") or [])
    assert offered - {"dev", "docs"} == set(EXTRAS)


def test_a_package_that_is_not_installed_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(ConfigError, match=r"is not installed in .*; run 'pip install \.'"):
        examine()


def command(tmp_path: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`rasa-emotion` in a process whose soundfile is broken."""
    (tmp_path / "soundfile.py").write_text('raise OSError("libsndfile is damaged")')
    script = "import sys; from rasa_emotion.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    called = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(called, env=environment, capture_output=True, text=True, check=False)


def test_the_doctor_comes_also_when_a_package_is_broken(models: Path, tmp_path: Path) -> None:
    answer = command(tmp_path, "doctor", "--json", "--models", models)
    assert answer.returncode == 1
    core = json.loads(answer.stdout)["findings"][0]
    assert "soundfile does not load (libsndfile is damaged)" in core["detail"]


def test_the_other_verbs_send_to_the_doctor_when_a_package_is_broken(tmp_path: Path) -> None:
    answer = command(tmp_path, "analyze", "--text", "hello")
    assert answer.returncode == 1
    assert answer.stderr == (
        "A package that rasa-emotion needs cannot be loaded (libsndfile is damaged); run 'rasa-emotion doctor'.\n"
    )
