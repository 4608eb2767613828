"""SpeechBrain's options for where a training runs, and in which precision."""

from typing import Any

from rasa_emotion.training.device import pick_device, quick_bfloat16


def run_options() -> dict[str, Any]:
    """SpeechBrain's `run_opts`: a GPU where there is one; bfloat16 where the hardware has it, else float32."""
    device = pick_device()
    return {"device": device.type, "precision": "bf16" if quick_bfloat16(device) else "fp32"}
