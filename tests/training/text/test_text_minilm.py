"""The converted MiniLM computes what the original BERT computes."""

import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from rasa_emotion.training.text.minilm import distilbert_names, load_minilm, minilm_folder


def test_hidden_states_equal_the_original() -> None:
    config = BertConfig.from_pretrained(minilm_folder())
    original = BertModel(config, add_pooling_layer=False)
    weights = load_file(minilm_folder() / "model.safetensors")
    original.load_state_dict(weights, strict=False)
    ids = torch.randint(1000, 20000, (3, 24), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    with torch.no_grad():
        expected = original.eval()(input_ids=ids, attention_mask=mask).last_hidden_state
        found = load_minilm().eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    present = mask.bool()
    assert torch.allclose(found[present], expected[present], atol=1e-5, rtol=0)
    assert expected[present].std() > 0.1


def test_token_type_is_folded_into_the_positions() -> None:
    weights = load_file(minilm_folder() / "model.safetensors")
    folded = distilbert_names(weights, layers=6)["embeddings.position_embeddings.weight"]
    assert not torch.equal(folded, weights["embeddings.position_embeddings.weight"])
