"""Where bfloat16 is quick."""

import pytest
import torch

from rasa_emotion.training.device import quick_bfloat16


@pytest.mark.parametrize(
    ("amx", "avx512_bf16", "quick"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_a_cpu_is_quick_where_it_multiplies_bfloat16_itself(
    amx: bool, avx512_bf16: bool, quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    assert quick_bfloat16(torch.device("cpu")) is quick


def test_a_gpu_is_quick() -> None:
    assert quick_bfloat16(torch.device("cuda"))
