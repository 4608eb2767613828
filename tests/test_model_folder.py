import json

import pytest

from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import read_model_folder, write_manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"\x01\x02")
    write_manifest(
        tmp_path,
        ["weights.bin"],
        name="toy",
        kind="text",
        licence="Apache-2.0",
        commercial=True,
        summary="A toy.",
        temperature=1.5,
    )
    return tmp_path


def test_a_written_folder_is_read_back(folder):
    model = read_model_folder(folder, "text")
    assert (model.name, model.licence, model.commercial) == ("toy", "Apache-2.0", True)
    assert model.settings["temperature"] == 1.5
    assert model.file("weights.bin").read_bytes() == b"\x01\x02"


def test_an_altered_file_is_refused_by_name(folder):
    (folder / "weights.bin").write_bytes(b"\x01\x03")
    with pytest.raises(ModelError, match=r"weights\.bin.*altered.*reinstall"):
        read_model_folder(folder, "text")


def test_a_missing_file_is_named(folder):
    (folder / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"weights\.bin' is missing"):
        read_model_folder(folder, "text")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match="No text model at"):
        read_model_folder(tmp_path / "nowhere", "text")


def test_a_model_of_another_kind_is_refused(folder):
    with pytest.raises(ModelError, match="kind text, not acoustic"):
        read_model_folder(folder, "acoustic")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"files": 3}', "\x00"])
def test_a_broken_manifest_is_refused(folder, content):
    (folder / "model.json").write_text(content)
    with pytest.raises(ModelError, match="not a model manifest"):
        read_model_folder(folder, "text")


def test_the_checksum_follows_the_files(folder):
    before = read_model_folder(folder, "text").checksum
    (folder / "weights.bin").write_bytes(b"other")
    manifest = json.loads((folder / "model.json").read_text())
    manifest.pop("files")
    write_manifest(folder, ["weights.bin"], **manifest)
    assert read_model_folder(folder, "text").checksum != before
