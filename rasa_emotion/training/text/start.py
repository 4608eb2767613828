"""Where a training starts: the pretrained MiniLM-L6, an earlier training, or any DistilBERT, BERT or MPNet.

A BERT becomes a DistilBERT that computes the same numbers (see `rasa_emotion.training.text.minilm`), so that one
network is trained and exported whatever it was started from. An MPNet, whose attention knows how far two tokens are
apart, cannot become one: it is trained and scored, as a teacher or to see what size is worth, and not exported.
"""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, DistilBertModel, PreTrainedModel

from rasa_emotion.errors import ConfigError
from rasa_emotion.text.classifier import TOKENIZER_FILE
from rasa_emotion.training.text.minilm import distilbert_config, distilbert_names, load_minilm, minilm_folder

MINILM = "minilm"
DISTILBERT, MPNET = "distilbert", "mpnet"
WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def is_run(start: str) -> bool:
    """Whether `start` is the folder of an earlier training, rather than of somebody's model."""
    config = Path(start) / CONFIG
    return config.is_file() and "encoder" in json.loads(config.read_text(encoding="utf-8"))


def model_type(start: str) -> str:
    """The type of the encoder that `start` names: "distilbert", "bert", "mpnet" ...

    Raises:
        ConfigError: it cannot be loaded.
    """
    if start == MINILM:
        return DISTILBERT
    if is_run(start):
        config = json.loads((Path(start) / CONFIG).read_text(encoding="utf-8"))
        return str(config["encoder"].get("model_type", DISTILBERT))
    return str(_pretrained(AutoConfig, start).model_type)


def load_encoder(start: str) -> PreTrainedModel:
    """The pretrained encoder that `start` names: "minilm", a Hugging Face identifier, or a folder of that layout.

    Hugging Face's own settings hold, such as HF_HUB_OFFLINE=1, which looks at what is on this machine alone.

    Raises:
        ConfigError: it cannot be loaded, or is none of the three.
    """
    if start == MINILM:
        return load_minilm()
    found: PreTrainedModel = _pretrained(AutoModel, start)
    shape = found.config.to_dict()  # DistilBERT and BERT name the same things differently
    kind, activation = found.config.model_type, shape.get("activation") or shape.get("hidden_act")
    if kind not in {DISTILBERT, "bert", MPNET} or activation != "gelu":
        raise ConfigError(
            f"The model '{start}' is of type {kind} ({activation}); name a DistilBERT, a BERT or an MPNet with gelu."
        )
    return _as_distilbert(found) if kind == "bert" else found


def layers_of(encoder: PreTrainedModel) -> list[nn.Module]:
    """The embeddings and then the layers of an encoder, from the words upwards.

    >>> len(layers_of(load_encoder(MINILM)))
    7
    """
    parts: Any = encoder
    return [parts.embeddings, *(parts.transformer if isinstance(encoder, DistilBertModel) else parts.encoder).layer]


def load_tokenizer(max_tokens: int = 0, start: str = MINILM) -> Tokenizer:
    """The tokenizer of what a training starts from, cutting after `max_tokens` (nowhere, where 0), padding nothing.

    Raises:
        ConfigError: it cannot be loaded, or does not mark the ends of a sentence.
    """
    own = Path(start) / TOKENIZER_FILE
    if own.is_file():
        tokenizer = Tokenizer.from_file(str(own))
    elif start == MINILM or is_run(start):  # trainings of MiniLM once kept no tokenizer
        tokenizer = Tokenizer.from_file(str(minilm_folder() / TOKENIZER_FILE))
    else:
        tokenizer = _pretrained(AutoTokenizer, start).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if len(tokenizer.encode("").ids) != 2:
        raise ConfigError(
            f"The tokenizer of '{start}' does not mark both ends of a sentence; name a DistilBERT, a BERT or an MPNet."
        )
    if max_tokens:
        tokenizer.enable_truncation(max_tokens)
    return tokenizer


def end_marks(tokenizer: Tokenizer) -> dict[str, int]:
    """The ids that stand before and after a sentence: "cls" and "sep", in BERT's terms."""
    first, last = tokenizer.encode("").ids
    return {"cls": first, "sep": last}


def require_fit(encoder: PreTrainedModel, start: str, max_tokens: int) -> None:
    """Raises ConfigError where an encoder and the tokenizer, or the length of its inputs, do not belong together."""
    words, known = load_tokenizer(start=start).get_vocab_size(), encoder.config.vocab_size
    if words > known:
        raise ConfigError(
            f"The tokenizer of '{start}' is that of another model: it has {words} words, the model knows {known}."
        )
    longest = encoder.config.max_position_embeddings
    if encoder.config.model_type == MPNET:  # its first positions stand for padding
        longest -= encoder.config.pad_token_id + 1
    if max_tokens > longest:
        raise ConfigError(
            f"'{start}' reads {longest} tokens at most; set max_tokens, now {max_tokens}, to that or less."
        )


def _pretrained(kind: Any, start: str) -> Any:
    parts = Path(start).parts
    if len(parts) > 1 and Path(*parts[:-1]).is_dir() and not Path(start).exists():
        raise ConfigError(f"There is no folder '{start}' to start from; train it first, or correct `start`.")
    try:
        return kind.from_pretrained(start)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"'{start}' cannot be loaded ({reason}); start from minilm, a training's folder, or a DistilBERT, a BERT "
            "or an MPNet."
        ) from error


def _as_distilbert(bert: PreTrainedModel) -> DistilBertModel:
    shape = bert.config
    model = DistilBertModel(
        distilbert_config(
            vocab_size=shape.vocab_size,
            max_position_embeddings=shape.max_position_embeddings,
            n_layers=shape.num_hidden_layers,
            n_heads=shape.num_attention_heads,
            dim=shape.hidden_size,
            hidden_dim=shape.intermediate_size,
        )
    )
    model.load_state_dict(distilbert_names(dict(bert.state_dict()), layers=shape.num_hidden_layers))
    return model
