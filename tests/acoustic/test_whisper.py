"""Whisper's encoder: the front end that it was trained with, its shapes, and its layers as transformers runs them."""

import numpy as np
import pytest
import torch
from transformers import WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoderLayer

from rasa_emotion.acoustic.whisper import EncoderLayer, FrameConv, WhisperMel, WhisperNetwork


@pytest.fixture
def network() -> WhisperNetwork:
    torch.manual_seed(0)
    return WhisperNetwork({"emotion": 8}, width=16, attention_heads=2, hidden=(32, 0)).eval()


def test_the_spectrogram_is_whispers() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    extractor = WhisperFeatureExtractor()
    expected = extractor(samples, sampling_rate=16_000, padding="do_not_pad", return_tensors="pt").input_features[0]
    found = WhisperMel()(torch.from_numpy(samples)[None])[0]
    assert found.shape == (150, 80)
    torch.testing.assert_close(found, expected.T, atol=1e-5, rtol=0)


def test_a_warp_moves_the_bands() -> None:
    frontend = WhisperMel()
    time = torch.arange(16_000) / 16_000
    tone = 0.5 * torch.sin(2 * torch.pi * 1000 * time)[None]
    plain, warped = frontend(tone), frontend(tone, frontend.warped(1.1))
    assert (
        warped[0, 50].argmax() < plain[0, 50].argmax()
    )  # the bands lie higher, so that the tone falls into a lower one


def test_a_frame_convolution_is_a_convolution() -> None:
    torch.manual_seed(0)
    ours, frames = FrameConv(4, 6, stride=2), torch.randn(2, 11, 4)
    weight = ours.weigh.weight.view(6, 3, 4).transpose(1, 2)
    theirs = torch.nn.functional.conv1d(frames.transpose(1, 2), weight, ours.weigh.bias, stride=2, padding=1)
    torch.testing.assert_close(ours(frames), torch.nn.functional.gelu(theirs.transpose(1, 2)))


def test_a_layer_is_whispers_layer() -> None:
    torch.manual_seed(0)
    config = WhisperConfig(d_model=16, encoder_attention_heads=2, encoder_ffn_dim=32)
    theirs, ours, states = WhisperEncoderLayer(config).eval(), EncoderLayer(16, 2, 32).eval(), torch.randn(2, 9, 16)
    attention = theirs.self_attn
    weights = (attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight)
    biases = (attention.q_proj.bias, torch.zeros(16), attention.v_proj.bias)
    with torch.no_grad():
        ours.query_key_value.weight.copy_(torch.cat(weights))
        ours.query_key_value.bias.copy_(torch.cat(biases))
    for own, other in (
        (ours.attended, attention.out_proj),
        (ours.attention_norm, theirs.self_attn_layer_norm),
        (ours.forward_norm, theirs.final_layer_norm),
        (ours.widen, theirs.fc1),
        (ours.narrow, theirs.fc2),
    ):
        own.load_state_dict(other.state_dict())
    expected = theirs(states, None)
    expected = expected[0] if isinstance(expected, tuple) else expected
    torch.testing.assert_close(ours(states), expected, atol=1e-5, rtol=1e-5)


def test_shapes_and_any_length(network: WhisperNetwork) -> None:
    for samples in (6_400, 16_001, 48_000):
        logits, embedding = network(torch.randn(2, samples) * 0.1)
        assert (logits["emotion"].shape, embedding.shape) == ((2, 8), (2, 64))
        assert torch.isfinite(embedding).all()


def test_silence_is_finite(network: WhisperNetwork) -> None:
    logits, _ = network(torch.zeros(1, 8_000))
    assert torch.isfinite(logits["emotion"]).all()
