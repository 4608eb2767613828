"""The exported text classifier: `tokenizers` and ONNX Runtime, no torch."""

import copy
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from rasa_emotion.attributes import AttributeHead, load_head
from rasa_emotion.emotions import EMOTIONS, as_probabilities
from rasa_emotion.errors import ModelError, RasaEmotionError, TextError
from rasa_emotion.estimate import Evidence
from rasa_emotion.logs import named
from rasa_emotion.model_folder import MANIFEST, REINSTALL, ModelFolder, read_model_folder
from rasa_emotion.text.adapter import Adapter
from rasa_emotion.text.cleaning import TextQuality, clean, has_words, measure
from rasa_emotion.text.context import Tokens, join_turns
from rasa_emotion.text.reading import ENGLISH, judged

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
POOLED = "pooled"
"""Third input of models whose embedding is the mean over the utterance without the turns before it."""

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Logits, shape [8], and the embedding, shape [384]."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Read:
    """What was measured of a text, and how far the model can be trusted with it."""

    quality: TextQuality
    reliability: float
    foreign_language: str | None


class TextClassifier:
    """Classifies sentences of the languages that its folder names; may be shared between threads.

    >>> from rasa_emotion.model_folder import shipped_models
    >>> TextClassifier.load(shipped_models() / "text").classify("Thank you so much, that is wonderful!").emotion
    'happy'
    """

    def __init__(
        self,
        folder: ModelFolder,
        session: onnxruntime.InferenceSession,
        tokenizer: Tokenizer,
        confused: AttributeHead | None = None,
    ) -> None:
        self.folder = folder
        self.checksum = folder.checksum
        self._session = session
        self._tokenizer = tokenizer
        self._temperature = float(folder.settings["temperature"])
        self._confused = confused
        self.context_turns = int(folder.settings.get("context_turns", 0))
        self.languages = tuple(str(code) for code in folder.settings.get("languages", ENGLISH))
        self.batches = bool(folder.settings.get("batches", False))
        self._max_tokens = int(folder.settings["max_tokens"])
        self._spell_emoji = bool(folder.settings.get("spell_emoji", False))
        self._asks_what_to_pool = any(found.name == POOLED for found in session.get_inputs())
        self._adapter: Adapter | None = None
        self._told_languages: set[str] = set()

    @classmethod
    def load(cls, folder: str | Path) -> "TextClassifier":
        """Load a model folder of kind "text".

        Raises:
            ModelError: the folder is missing, altered, or holds other labels than the eight emotions or the tokenizer
                of another model.
        """
        model = read_model_folder(folder, "text")
        if tuple(model.settings.get("labels", ())) != EMOTIONS:
            raise ModelError(f"The model at '{folder}' has other labels than the eight emotions; {REINSTALL}.")
        lacking = [name for name in ("max_tokens", "temperature") if name not in model.settings]
        if lacking:
            raise ModelError(f"'{model.file(MANIFEST)}' lacks {' and '.join(lacking)}; {REINSTALL}.")
        if "languages" not in model.settings:
            logger.warning(
                "The text model '%s' does not say which languages it reads, and is taken to read English; write "
                '"languages": ["en"], or the codes of others, into %s.',
                model.name,
                model.file(MANIFEST),
                extra=named("text.languages.missing"),
            )
        options = onnxruntime.SessionOptions()
        # A sentence is too small to share: a second thread costs more than it gains and takes a core from other calls.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            tokenizer = Tokenizer.from_file(str(model.file(TOKENIZER_FILE)))
            session = onnxruntime.InferenceSession(
                str(model.file(MODEL_FILE)), sess_options=options, providers=["CPUExecutionProvider"]
            )
        # Both libraries raise classes of their own that share no base but Exception.
        except Exception as error:
            raise ModelError(f"The model at '{folder}' cannot be loaded ({error}); {REINSTALL}.") from error
        _check_vocabulary(model, tokenizer)
        tokenizer.enable_truncation(int(model.settings["max_tokens"]))
        tokenizer.no_padding()
        return cls(model, session, tokenizer, load_head(model, "confused"))

    def classify(self, text: str, context: Sequence[str] = ()) -> Evidence:
        """Evidence of one sentence, calibrated with the model's temperature.

        Its reliability falls to 0 for text in a language that the model does not read, which it then names, in another
        script or of unknown words. The first text of each language is told in the log.

        Args:
            text: the sentence.
            context: earlier turns of the conversation, oldest first; the last `context_turns` of them are read, which
                are none unless the model was trained with earlier turns.

        Raises:
            TextError: the text holds no word.
        """
        read, tokens = self._prepared(text, context)
        return self._evidence(read, *self._run(tokens))

    def classify_many(self, turns: Sequence[tuple[str, Sequence[str]]]) -> list[Evidence | RasaEmotionError]:
        """What `classify` finds in each (text, context), in order; a TextError stands in its text's place.

        A model whose folder says `batches: true` reads all of them in one call. Others, such as one with dynamic int8,
        whose scales are taken over the whole batch, would give another answer than alone: they read one by one.
        """
        prepared: list[tuple[_Read, Tokens] | RasaEmotionError] = []
        for text, context in turns:
            try:
                prepared.append(self._prepared(text, context))
            except TextError as error:
                prepared.append(error)
        read = [one for one in prepared if not isinstance(one, RasaEmotionError)]
        outputs = iter(self._run_many([tokens for _, tokens in read]))
        return [
            one if isinstance(one, RasaEmotionError) else self._evidence(one[0], *next(outputs)) for one in prepared
        ]

    def _prepared(self, text: str, context: Sequence[str]) -> tuple[_Read, Tokens]:
        cleaned = self._clean(text)
        encoding = self._tokenizer.encode(cleaned)
        quality = measure(cleaned, encoding.tokens, encoding.word_ids)
        pieces = [token for token, word in zip(encoding.tokens, encoding.word_ids, strict=True) if word is not None]
        reliability, foreign = judged(quality, cleaned, pieces, self.languages)
        if foreign:
            self._tell_language(foreign)
        found = _Read(quality, reliability, foreign)
        return found, self._with_context(encoding, context)

    def _evidence(self, text: _Read, logits: NDArray[np.float32], embedding: NDArray[np.float32]) -> Evidence:
        probabilities = self._calibrated(logits)
        if self._adapter is not None:
            probabilities = self._adapter.probabilities(embedding, probabilities)
        return Evidence(
            modality="text",
            probabilities=as_probabilities(probabilities),
            reliability=text.reliability,
            model=self.folder.name,
            quality={"words": text.quality.words, "known_share": text.quality.known_share},
            confused=self._confused.probability(embedding) if self._confused else None,
            foreign_language=text.foreign_language,
        )

    def has_words(self, text: str) -> bool:
        """Whether the model reads anything in the text; a lone emoji is a word for one that was trained on them."""
        return has_words(text, spelled=self._spell_emoji)

    def adapted(self, adapter: Adapter) -> "TextClassifier":
        """The same model, changed by what a bot's own examples taught; this one stays as it is.

        Raises:
            ModelError: the examples taught another model.
        """
        if adapter.model != self.checksum:
            raise ModelError("The examples were learned on another text model than the one in use; fit them again.")
        found = copy.copy(self)
        found._adapter = adapter
        return found

    def read(self, text: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Calibrated probabilities without any adaptation, shape [8], and the embedding, shape [384]; what adapts it.

        Raises TextError for text without any word.
        """
        return self._read(self._tokens(text))

    def logits(self, text: str, context: Sequence[str] = ()) -> NDArray[np.float32]:
        """Scores before the temperature, shape [8]; see `classify`. Raises TextError for text without any word."""
        return self._run(self._tokens(text, context))[0]

    def embed(self, text: str) -> NDArray[np.float32]:
        """Mean-pooled sentence embedding, shape [384]. Raises TextError for text without any word."""
        return self._run(self._tokens(text))[1]

    def token_ids(self, text: str) -> list[int]:
        """Ids of the tokens that the network is given, with the marks of beginning and end, at most `max_tokens`."""
        return list(self._tokens(text).ids)

    def _clean(self, text: str) -> str:
        return clean(text, spelled=self._spell_emoji)

    def _tokens(self, text: str, context: Sequence[str] = ()) -> Tokens:
        return self._with_context(self._tokenizer.encode(self._clean(text)), context)

    def _with_context(self, encoding: Encoding, context: Sequence[str]) -> Tokens:
        cls, *utterance, sep = encoding.ids
        turns = [turn for turn in context if self.has_words(turn)][-self.context_turns :] if self.context_turns else []
        earlier = [self._tokenizer.encode(self._clean(turn)).ids[1:-1] for turn in turns]
        return join_turns(utterance, earlier, cls=cls, sep=sep, max_tokens=self._max_tokens)

    def _read(self, tokens: Tokens) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        logits, embedding = self._run(tokens)
        return self._calibrated(logits), embedding

    def _calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        scaled = logits.astype(np.float64) / self._temperature
        exponentials = np.exp(scaled - scaled.max())
        calibrated: NDArray[np.float64] = exponentials / exponentials.sum()
        return calibrated

    def _run(self, tokens: Tokens) -> Outputs:
        return self._run_together([tokens])[0]

    def _run_many(self, many: Sequence[Tokens]) -> list[Outputs]:
        if self.batches and many:
            return self._run_together(many)
        return [self._run(tokens) for tokens in many]

    def _run_together(self, many: Sequence[Tokens]) -> list[Outputs]:
        """One call of the network. Shorter texts are padded with id 0, which the mask leaves out."""
        ids = np.zeros((len(many), max(len(tokens.ids) for tokens in many)), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(many):
            ids[row, : len(tokens.ids)] = tokens.ids
            mask[row, : len(tokens.ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask}
        if self._asks_what_to_pool:
            inputs[POOLED] = mask.copy()
            for row, tokens in enumerate(many):
                inputs[POOLED][row, 1 : tokens.start] = 0
        logits, embedding = self._session.run(["logits", "embedding"], inputs)
        return list(zip(logits, embedding, strict=True))

    def _tell_language(self, code: str) -> None:
        if code in self._told_languages:
            return
        self._told_languages.add(code)
        logger.warning(
            "A caller's words are in a language (%s) that the text model does not read (%s) and are left out; a voice "
            "beside them decides alone. This is said once for each language.",
            code,
            ", ".join(self.languages),
            extra=named("text.language.unread"),
        )


def vocabulary_checksum(tokenizer: Tokenizer) -> str:
    """SHA-256 of a tokenizer's words in the order of their ids: whether a model was trained with this one."""
    words = tokenizer.get_vocab()
    return hashlib.sha256("\n".join(sorted(words, key=words.__getitem__)).encode()).hexdigest()


def _check_vocabulary(model: ModelFolder, tokenizer: Tokenizer) -> None:
    expected = model.settings.get("vocabulary")
    if expected is not None and vocabulary_checksum(tokenizer) != expected:
        raise ModelError(
            f"The tokenizer in '{model.path}' is that of another model: its vocabulary of "
            f"{tokenizer.get_vocab_size()} words differs from the one that the model was trained with; {REINSTALL}."
        )
