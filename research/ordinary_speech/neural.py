"""The engines that are Python packages: nanotts (SVOX Pico), piper, hibari, kokoro; each in its own environment."""
# ruff: noqa: PLC0415 -- an environment has one of them

from collections.abc import Callable
from pathlib import Path

import numpy as np

from research.ordinary_speech.clips import Clip, Sound

Say = Callable[[Clip], Sound]


def engine(name: str, model: Path | None) -> tuple[list[str], Say]:
    """The voices of an engine and the function that speaks.

    Args:
        name: nanotts, piper, hibari or kokoro.
        model: piper's ONNX file, or kokoro's folder with `kokoro-v1.0.int8.onnx` and `voices/`.
    """
    if name == "nanotts":
        return nanotts()
    if name == "hibari":
        return hibari()
    if model is None:
        raise SystemExit(f"{name} needs --model: README.md says where it comes from.")
    return piper(model) if name == "piper" else kokoro(model)


def nanotts() -> tuple[list[str], Say]:
    """SVOX Pico: six voices; the four that are not English read English with their own letters' sounds."""
    import py_nanotts

    pico = py_nanotts.NanoTTS()

    def say(clip: Clip) -> Sound:
        speed, pitch = clip.dice.uniform(0.85, 1.15), clip.dice.uniform(0.92, 1.08)
        sound = pico.speak(clip.text, voice=clip.voice, speed=speed, pitch=pitch)
        return np.frombuffer(sound, dtype="<i2").astype(np.float32) / 32768.0, 16_000

    return ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT"], say


def piper(model: Path) -> tuple[list[str], Say]:
    """Piper's voice joe, en-US: an own length, noise and rhythm for each clip."""
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(str(model))

    def say(clip: Clip) -> Sound:
        dice = clip.dice
        config = SynthesisConfig(
            length_scale=dice.uniform(0.8, 1.3),
            noise_scale=dice.uniform(0.3, 0.8),
            noise_w_scale=dice.uniform(0.5, 1.0),
        )
        chunks = list(voice.synthesize(clip.text, syn_config=config))
        return np.concatenate([chunk.audio_float_array for chunk in chunks]), chunks[0].sample_rate

    return ["joe"], say


def hibari() -> tuple[list[str], Say]:
    """hibari: a small network distilled from Kokoro's voice af_heart, 0.8 to 1.25 of its speed."""
    from hibari import Hibari

    speaker = Hibari()

    def say(clip: Clip) -> Sound:
        seed = clip.dice.randrange(2**31)
        return np.asarray(speaker(clip.text, speed=clip.dice.uniform(0.8, 1.25), seed=seed)), 24_000

    return ["heart"], say


def kokoro(model: Path) -> tuple[list[str], Say]:
    """Kokoro-82M int8: its 54 voices, 0.8 to 1.25 of its speed, two accents."""
    import kokoro_onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(model / "kokoro-v1.0.int8.onnx"), options, providers=["CPUExecutionProvider"]
    )
    styles = {
        path.stem: np.fromfile(path, dtype=np.float32).reshape(-1, 1, 256)
        for path in sorted((model / "voices").glob("*.bin"))
    }
    archive = model / "voices.npz"
    np.savez(archive, **styles)
    speaker = kokoro_onnx.Kokoro.from_session(session, str(archive))

    def say(clip: Clip) -> Sound:
        language = "en-gb" if clip.voice.startswith("b") or clip.dice.random() < 0.2 else "en-us"
        speed = clip.dice.uniform(0.8, 1.25)
        samples, rate = speaker.create(clip.text, voice=styles[clip.voice], speed=speed, lang=language)
        return samples, rate

    return list(styles), say
