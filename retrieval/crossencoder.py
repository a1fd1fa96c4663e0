"""A small model that reads a question together with a passage: does the passage answer it, and which sentence does?

A cross-encoder (Nogueira & Cho, "Passage Re-ranking with BERT", 2019) with one score a token, as extractive readers
have (Devlin et al., "BERT", 2019); served by ONNX Runtime without torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Encoding, Tokenizer

from retrieval.embedder import MAX_CHARACTERS_A_TOKEN, Vectors
from retrieval.errors import BadModel

Span = tuple[int, int]

FORMAT = 1
MANIFEST = "reader.json"
FILES = ("model.onnx", "tokenizer.json", MANIFEST)
"""All that a trained reader is."""
QUESTION_TOKENS = 48
"""A longer question is cut: what is asked stands in the first words."""
UNREAD = -1e4
"""Score of a sentence that was cut off."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What is read at once: a question, and a text whose sentences are at `spans`, under its heading path."""

    question: str
    heading: str
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids and segment ids of a pair, and for each sentence its half-open range of tokens (empty if cut off)."""

    ids: list[int]
    segments: list[int]
    ranges: tuple[Span, ...]
    offsets: list[Span]
    """Characters of `Pair.text` for each token; (-1, -1) for what belongs to the question or the heading."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How a passage fits a question, in logits: `relevance` that it answers; `sentences`, shape (sentences,), that
    this one does; `none` that no sentence does."""

    relevance: float
    sentences: Vectors
    none: float


class Pairing:
    """Pairs to tokens: `[CLS] question [SEP] heading, text [SEP]`, as training and serving both read them."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens
        first, separator = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
        if first is None or separator is None:
            raise BadModel("the tokenizer has no [CLS] and [SEP]; a cross-encoder needs both")
        self._first, self._separator = first, separator
        self.mask: int | None = tokenizer.token_to_id("[MASK]")
        self.special = tuple(id for id in (first, separator, tokenizer.token_to_id("[PAD]")) if id is not None)

    def encode(self, pairs: Sequence[Pair]) -> list[Encoded]:
        """The pairs in order, none longer than `max_tokens`."""
        limit = MAX_CHARACTERS_A_TOKEN * self.max_tokens
        parts = [part[:limit] for pair in pairs for part in (pair.question, pair.heading, pair.text)]
        encodings = self._tokenizer.encode_batch(parts, add_special_tokens=False)
        return [self._joined(pair, *encodings[3 * row : 3 * row + 3]) for row, pair in enumerate(pairs)]

    def _joined(self, pair: Pair, question: Encoding, heading: Encoding, text: Encoding) -> Encoded:
        asked = question.ids[:QUESTION_TOKENS]
        above = heading.ids[: max(0, (self.max_tokens - len(asked) - 3) // 3)]
        room = max(0, self.max_tokens - len(asked) - len(above) - 3)
        body = text.ids[:room]
        front = len(asked) + 2 + len(above)
        ids = [self._first, *asked, self._separator, *above, *body, self._separator]
        segments = [0] * (len(asked) + 2) + [1] * (len(above) + len(body) + 1)
        outside = (-1, -1)
        offsets = [outside] * front + list(text.offsets[:room]) + [outside]
        return Encoded(ids, segments, token_ranges(pair.spans, text.offsets[:room], front), offsets)


def token_ranges(spans: Sequence[Span], offsets: Sequence[Span], front: int) -> tuple[Span, ...]:
    """For each span of characters the half-open range of tokens that begin in it, counted from `front`."""
    starts = np.array([start for start, _ in offsets], dtype=np.int64)
    found = np.searchsorted(starts, np.array(spans, dtype=np.int64).reshape(-1, 2))
    return tuple((front + int(first), front + int(last)) for first, last in found)


class CrossEncoder:
    """A folder with `model.onnx`, `tokenizer.json` and `reader.json`. Safe to share between threads."""

    def __init__(self, session: Any, pairing: Pairing, stated: Mapping[str, Any]) -> None:
        self._session = session
        self._pairing = pairing
        self.stated = stated

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights."""
        return str(self.stated["sha256"]["model.onnx"])

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> CrossEncoder:
        """Load a trained reader; `BadModel` if a file is missing, altered, or not what `reader.json` says."""
        stated = _manifest(folder)
        content = _checked(folder / "model.onnx", stated)
        _checked(folder / "tokenizer.json", stated)
        tokenizer = _tokenizer(folder / "tokenizer.json")
        try:
            session = onnxruntime.InferenceSession(content, _options(threads), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own errors share no public root
            raise BadModel(f"{folder / 'model.onnx'} is not a graph that ONNX Runtime can load: {error}") from error
        if [entry.name for entry in session.get_outputs()] != ["relevance", "evidence"]:
            names = [entry.name for entry in session.get_outputs()]
            raise BadModel(f"{folder / 'model.onnx'} gives {names}; a reader gives relevance and evidence")
        return cls(session, Pairing(tokenizer, int(stated["max_tokens"])), stated)

    def judge(self, pairs: Sequence[Pair]) -> list[Judged]:
        """Read each pair by itself: on one core a padded batch is not quicker, and this pads nothing."""
        return [self._one(encoded) for encoded in self._pairing.encode(pairs)]

    def _one(self, encoded: Encoded) -> Judged:
        ids = np.array([encoded.ids], dtype=np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.array([encoded.segments], dtype=np.int64),
        }
        relevance, evidence = self._session.run(None, feed)
        return Judged(float(relevance[0]), sentence_scores(evidence[0], encoded.ranges), float(evidence[0, 0]))


def sentence_scores(evidence: npt.NDArray[Any], ranges: Sequence[Span]) -> Vectors:
    """Mean evidence of each sentence's tokens, float32 of shape (sentences,); UNREAD for one without tokens."""
    sums = np.concatenate([[0.0], np.cumsum(evidence, dtype=np.float64)])
    values = [(sums[last] - sums[first]) / (last - first) if last > first else UNREAD for first, last in ranges]
    return np.array(values, dtype=np.float32)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        stated = json.loads(path.read_text("utf-8"))
        complete = stated["format"] == FORMAT and int(stated["max_tokens"]) > 0 and isinstance(stated["sha256"], dict)
    except OSError as error:
        raise BadModel(f"{folder} has no readable {MANIFEST}; train the reader into it first") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadModel(f"{path} does not describe a reader: {error!r}") from error
    if not complete:
        raise BadModel(f"{path} has format {stated['format']}, this version reads {FORMAT}; train the reader again")
    return dict(stated)


def _checked(path: Path, stated: dict[str, Any]) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadModel(f"{path} cannot be read ({error.strerror}); train the reader again") from error
    found, expected = hashlib.sha256(content).hexdigest(), stated["sha256"].get(path.name)
    if found != expected:
        raise BadModel(f"{path} has SHA-256 {found}, {MANIFEST} states {expected}; it was not loaded")
    return content


def _tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise BadModel(f"{path} is not a tokenizer file: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
