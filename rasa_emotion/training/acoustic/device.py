"""Where trainings run, and in which precision."""

from typing import Any

import torch


def run_options() -> dict[str, Any]:
    """SpeechBrain's `run_opts`: a GPU where there is one; bfloat16 where the hardware has it, else float32.

    With AMX, bfloat16 trains convolutions three times as fast as float32; on a CPU without, it is emulated and takes
    ten times as long.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    quick = device == "cuda" or torch.cpu._is_amx_tile_supported()
    return {"device": device, "precision": "bf16" if quick else "fp32"}
