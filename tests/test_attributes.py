import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.attributes import ATTRIBUTES_FILE, AttributeHead, load_head
from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import read_model_folder, sha256, write_manifest


@pytest.fixture
def folder(tmp_path):
    """A model folder whose head says sigmoid(2 x - y)."""
    (tmp_path / "model.onnx").write_bytes(b"encoder")
    write_attributes(tmp_path, {"confused": {"weights": [2.0, -1.0], "bias": 0.0}})
    return tmp_path


def write_attributes(folder, attributes, **changes):
    data = {"encoder": sha256(folder / "model.onnx"), "attributes": attributes, **changes}
    (folder / ATTRIBUTES_FILE).write_text(json.dumps(data))
    write(folder, ["model.onnx", ATTRIBUTES_FILE])


def write(folder, files):
    write_manifest(folder, files, name="toy", kind="text", licence="Apache-2.0", commercial=True, summary="A toy.")


def test_a_head_is_read_back(folder):
    head = load_head(read_model_folder(folder, "text"), "confused")
    assert head.probability(np.array([1.0, 0.0], dtype=np.float32)) == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)


@given(st.floats(-1e6, 1e6))
def test_any_embedding_gives_a_probability(value):
    assert 0 <= AttributeHead(np.array([1.0]), 0.5).probability(np.array([value])) <= 1


def test_a_folder_without_the_file_or_the_attribute_says_nothing(folder):
    assert load_head(read_model_folder(folder, "text"), "bored") is None
    write(folder, ["model.onnx"])  # a file that the manifest does not list was not checked, and is not read
    assert load_head(read_model_folder(folder, "text"), "confused") is None


def test_the_head_of_another_encoder_is_refused(folder):
    write_attributes(folder, {}, encoder="0" * 64)
    with pytest.raises(ModelError, match=r"belongs to another model\.onnx.*again"):
        load_head(read_model_folder(folder, "text"), "confused")


@pytest.mark.parametrize("attributes", [{"confused": {"weights": ["x"], "bias": 0}}, {"confused": {"bias": 0}}, 3])
def test_a_broken_head_is_refused(folder, attributes):
    write_attributes(folder, attributes)
    with pytest.raises(ModelError, match=r"attributes\.json' holds no attributes"):
        load_head(read_model_folder(folder, "text"), "confused")
