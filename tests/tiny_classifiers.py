"""Audio classifiers of other libraries, a few kilobytes each, with random weights."""

from pathlib import Path

import torch
import transformers as hf
from hyperpyyaml import load_hyperpyyaml

SHORT_LABELS = ("neu", "ang", "hap", "sad")

HYPERPARAMS = {
    "encoder": """
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: 8
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: false
embedding_model: !new:speechbrain.lobes.models.Xvector.Xvector
    in_channels: 8
    tdnn_blocks: 2
    tdnn_channels: [8, 8]
    tdnn_kernel_sizes: [3, 1]
    tdnn_dilations: [1, 1]
    lin_neurons: 8
classifier: !new:speechbrain.lobes.models.Xvector.Classifier
    input_shape: [null, null, 8]
    lin_blocks: 1
    lin_neurons: 8
    out_neurons: 4
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    classifier: !ref <classifier>
""",
    # the layout of the wav2vec 2.0 emotion models, with a network in place of wav2vec 2.0 that needs no hub
    "wav2vec2": """
wav2vec2: !new:speechbrain.nnet.CNN.Conv1d
    out_channels: 6
    kernel_size: 400
    stride: 320
    input_shape: [null, null]
    padding: valid
avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
    return_std: false
output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: 6
    n_neurons: 4
    bias: false
modules:
    wav2vec2: !ref <wav2vec2>
    avg_pool: !ref <avg_pool>
    output_mlp: !ref <output_mlp>
""",
}

PRETRAINER = """
pretrained_path: somewhere/else
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
{loadables}
        label_encoder: !ref <label_encoder>
    paths:
{paths}
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""

LEARNED = {"encoder": ("embedding_model", "classifier"), "wav2vec2": ("wav2vec2", "output_mlp")}


def hugging_face(folder: Path, kind: str = "wav2vec2", labels: tuple[str, ...] = SHORT_LABELS) -> Path:
    """A folder that `AutoModelForAudioClassification` and `AutoFeatureExtractor` load.

    Args:
        folder: where to write it.
        kind: "wav2vec2", "wavlm", "whisper", or "ast", whose features are not computed in torch.
        labels: of its classes.
    """
    named = {"id2label": dict(enumerate(labels)), "label2id": {label: n for n, label in enumerate(labels)}}
    speech = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "conv_dim": (8, 8, 8),
        "conv_stride": (5, 8, 8),
        "conv_kernel": (10, 8, 8),
        "num_feat_extract_layers": 3,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,
        "classifier_proj_size": 8,
        "initializer_range": 0.5,
    }
    whisper = {
        "d_model": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 16,
        "decoder_ffn_dim": 16,
        "classifier_proj_size": 8,
        "vocab_size": 60,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 1,
        "init_std": 0.5,
    }
    ast = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    torch.manual_seed(0)
    model, extractor = {
        "wav2vec2": lambda: (
            hf.Wav2Vec2ForSequenceClassification(hf.Wav2Vec2Config(**speech, **named)),
            hf.Wav2Vec2FeatureExtractor(do_normalize=True),
        ),
        "wavlm": lambda: (
            hf.WavLMForSequenceClassification(hf.WavLMConfig(**speech, **named)),
            hf.Wav2Vec2FeatureExtractor(do_normalize=True),
        ),
        "whisper": lambda: (
            hf.WhisperForAudioClassification(hf.WhisperConfig(**whisper, **named)),
            hf.WhisperFeatureExtractor(),
        ),
        "ast": lambda: (
            hf.ASTForAudioClassification(hf.ASTConfig(**ast, initializer_range=0.5, **named)),
            hf.ASTFeatureExtractor(),
        ),
    }[kind]()
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


def speechbrain(folder: Path, kind: str = "encoder") -> Path:
    """A folder that SpeechBrain's `from_hparams` loads, in one of its two layouts for classifiers."""
    learned = LEARNED[kind]
    folder.mkdir(parents=True)
    text = HYPERPARAMS[kind] + PRETRAINER.format(
        loadables="\n".join(f"        {name}: !ref <{name}>" for name in learned),
        paths="\n".join(f"        {name}: !ref <pretrained_path>/{name}.ckpt" for name in learned),
    )
    (folder / "hyperparams.yaml").write_text(text, encoding="utf-8")
    torch.manual_seed(0)
    made = load_hyperpyyaml(text)
    for name in learned:
        torch.save(made[name].state_dict(), folder / f"{name}.ckpt")
    made["label_encoder"].update_from_iterable(SHORT_LABELS, sequence_input=False)
    made["label_encoder"].save(str(folder / "label_encoder.txt"))
    return folder
