"""One vector for each word of a sentence: a frozen encoder's states, which know the sentence, or static ones."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray
from tokenizers import Encoding
from tqdm import tqdm
from transformers import DistilBertModel

from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.start import load_tokenizer

MAX_TOKENS = 64
DIMS = 300
"""Of the static vectors that are trained here: as many as published ones usually have."""
EPOCHS = 5
BATCH = 64
GLOVE = "name a text file with a word and its numbers in each line"

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]


@dataclass(frozen=True)
class Sequences:
    """Word vectors of many sentences, one sentence after the other.

    Args:
        values: shape [words of all sentences, dims].
        starts: where each sentence begins, and the end of the last, shape [sentences + 1].
    """

    values: Halves
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, parts: Sequence[Floats]) -> "Sequences":
        """From one array [words, dims] per sentence."""
        ends = np.cumsum([0, *(len(part) for part in parts)])
        return cls(np.concatenate(parts).astype(np.float16), ends.astype(np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, sentence: int) -> Halves:
        return self.values[self.starts[sentence] : self.starts[sentence + 1]]

    @property
    def dims(self) -> int:
        return int(self.values.shape[1])


class Words:
    """Splits sentences into the lower-case words that the pretrained encoder sees, so that all vectors are of the same.

    >>> Words()("That's GREAT!")
    ['that', "'", 's', 'great', '!']
    """

    def __init__(self) -> None:
        self.tokenizer = load_tokenizer(MAX_TOKENS)

    def __call__(self, text: str) -> list[str]:
        cleaned = self.tokenizer.normalizer.normalize_str(text)
        return [word for word, _ in self.tokenizer.pre_tokenizer.pre_tokenize_str(cleaned)]

    def pieces(self, texts: Sequence[str]) -> list[Encoding]:
        """Word pieces with the number of the word that each is part of."""
        found: list[Encoding] = self.tokenizer.encode_batch(list(texts))
        return found


def encoder_states(encoder: DistilBertModel, texts: Sequence[str]) -> Sequences:
    """Contextual: the last layer's states, averaged over the pieces of each word."""

    def states(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden

    encoder.train(False)
    return _by_word(texts, states, "reading sentences")


def encoder_table(encoder: DistilBertModel, texts: Sequence[str]) -> Sequences:
    """Static: the same encoder's word embeddings, which have not met the other words yet."""
    table = encoder.get_input_embeddings()
    return _by_word(texts, lambda ids, _: table(ids), "looking words up")


@torch.no_grad()
def _by_word(
    texts: Sequence[str], states: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], task: str
) -> Sequences:
    encodings = Words().pieces(texts)
    found: list[Floats] = [np.zeros((0, 0), dtype=np.float32)] * len(texts)
    order = np.argsort([len(encoding.ids) for encoding in encodings], kind="stable")
    for start in tqdm(range(0, len(order), BATCH), desc=task, leave=False):
        numbers = order[start : start + BATCH]
        ids = torch.zeros(len(numbers), max(len(encodings[i].ids) for i in numbers), dtype=torch.long)
        for row, i in enumerate(numbers):
            ids[row, : len(encodings[i].ids)] = torch.tensor(encodings[i].ids)
        hidden = states(ids, (ids != 0).long()).numpy()
        for row, i in enumerate(numbers):
            found[i] = _mean_of_pieces(hidden[row], encodings[i].word_ids)
    return Sequences.of(found)


def _mean_of_pieces(states: Floats, word_ids: Sequence[int | None]) -> Floats:
    words = max((word for word in word_ids if word is not None), default=-1) + 1
    if not words:  # no word at all: the state of [CLS] stands for the sentence
        return states[:1]
    sums, counts = np.zeros((words, states.shape[1]), dtype=np.float32), np.zeros((words, 1), dtype=np.float32)
    for state, word in zip(states, word_ids, strict=False):
        if word is not None:
            sums[word] += state
            counts[word] += 1
    means: Floats = sums / np.maximum(counts, 1)
    return means


def static(vectors: Mapping[str, Floats], texts: Iterable[str]) -> Sequences:
    """Static vectors of the words of each sentence; zeros for words that have none."""
    words = Words()
    zeros = np.zeros(len(next(iter(vectors.values()))), dtype=np.float32)
    return Sequences.of(
        [np.stack([vectors.get(word, zeros) for word in words(text)[:MAX_TOKENS] or [""]]) for text in texts]
    )


def train_vectors(sentences: Sequence[Sequence[str]], *, seed: int, least: int = 2) -> dict[str, Floats]:
    """Skip-gram vectors with negative sampling (Mikolov et al., 2013) of the words that occur `least` times.

    Raises:
        ConfigError: no word occurs so often.
    """
    model = Word2Vec(vector_size=DIMS, window=5, min_count=least, sg=1, seed=seed, workers=1)
    model.build_vocab(sentences)
    if not len(model.wv):
        raise ConfigError(f"No word of the text corpora occurs {least} times: name their folder with --data.")
    with tqdm(total=EPOCHS, desc="training word vectors", leave=False) as bar:
        model.train(sentences, total_examples=len(sentences), epochs=EPOCHS, callbacks=[_Bar(bar)])
    return {word: model.wv[word] for word in model.wv.index_to_key}


class _Bar(CallbackAny2Vec):  # type: ignore[misc]  # gensim ships no types
    def __init__(self, bar: "tqdm[None]") -> None:
        self.bar = bar

    def on_epoch_end(self, model: Word2Vec) -> None:
        self.bar.update()


def read_glove(file: str | Path, keep: Collection[str]) -> dict[str, Floats]:
    """The vectors of a GloVe file: a line for each word, the word and its numbers with single spaces between.

    Args:
        file: such as `glove.6B.300d.txt`.
        keep: the words that are needed; the others are read over.

    Raises:
        ConfigError: the file cannot be read, a line has another number of numbers than the first, or it has none of
            the words.
    """
    found = {word: vector for word, vector in _glove_lines(Path(file)) if word in keep}
    if not found:
        raise ConfigError(f"GloVe file '{file}' has none of the corpus' words: name one of lower-case English words.")
    return found


def _glove_lines(file: Path) -> Iterator[tuple[str, Floats]]:
    dims = 0
    try:
        with file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                fields = line.rstrip().split(" ")
                dims = dims or len(fields) - 1
                try:
                    # A few words of published files have spaces inside, so the numbers are counted from the end.
                    vector = np.array(fields[-dims:] if 0 < dims < len(fields) else [""], dtype=np.float32)
                except ValueError:
                    raise ConfigError(
                        f"GloVe file '{file}' has no word with {max(dims, 1)} numbers in line {number}; {GLOVE}."
                    ) from None
                yield " ".join(fields[:-dims]), vector
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"GloVe file '{file}' cannot be read ({type(error).__name__}); {GLOVE}.") from error
