"""Texts to vectors: the Protocol, and a sentence encoder served by ONNX Runtime without torch.

Mean pooling over the token embeddings as in Reimers & Gurevych, "Sentence-BERT" (2019).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Encoding, Tokenizer

from retrieval.errors import BadModel

Vectors = npt.NDArray[np.float32]

INNER = "inner_embedding"
"""The graph's second output, where it has one: the sentence as the last layer but one sees it."""

PASSAGE_TOKENS = 256
UTTERANCE_TOKENS = 64
MAX_CHARACTERS_A_TOKEN = 16
"""A text is cut at `max_tokens` times this before tokenising, so that a huge text costs no more than a long one."""


class Embedder(Protocol):
    """Texts to unit vectors. Equal `fingerprint` means equal vectors for equal texts."""

    @property
    def dimension(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), dimension), every row of length 1."""
        ...


class OnnxEmbedder:
    """A folder with `model.onnx` and `tokenizer.json`. Safe to share between threads."""

    def __init__(self, session: Any, tokenizer: Tokenizer, fingerprint: str, *, batch: int = 32) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._max_tokens = (tokenizer.truncation or {}).get("max_length", PASSAGE_TOKENS)
        self._batch = batch
        self._inputs = {entry.name for entry in session.get_inputs()}
        self._output, self._pooled, self._dimension = _choose_output(session.get_outputs())
        self._deep = any(entry.name == INNER for entry in session.get_outputs())
        self._fingerprint = fingerprint

    @classmethod
    def load(cls, folder: Path, *, max_tokens: int = PASSAGE_TOKENS, threads: int = 1, batch: int = 32) -> OnnxEmbedder:
        """Load an exported encoder.

        `max_tokens` counts the special tokens too, and is lowered to what the encoder can read; `threads` is what one
        call may use. `BadModel` if a file is missing, cannot be parsed, or the graph is not a sentence encoder.
        """
        max_tokens = min(max_tokens, _most_tokens(folder / "config.json", max_tokens))
        tokenizer = _load_tokenizer(folder / "tokenizer.json", max_tokens)
        graph = folder / "model.onnx"
        try:
            content = graph.read_bytes()
            session = onnxruntime.InferenceSession(content, _options(threads), providers=["CPUExecutionProvider"])
        except OSError as error:
            raise BadModel(f"{folder} has no readable model.onnx; export the encoder into it first") from error
        except Exception as error:  # ONNX Runtime's own errors share no public root
            raise BadModel(f"{graph} is not a graph that ONNX Runtime can load: {error}") from error
        fingerprint = f"{hashlib.sha256(content).hexdigest()}/{max_tokens}"
        return cls(session, tokenizer, fingerprint, batch=batch)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def fingerprint(self) -> str:
        """Names the weights and the truncation: vectors of another fingerprint must not be mixed with these."""
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 of shape (n, dimension), in the order of the texts."""
        return self._encode(texts, (self._output,))

    def encode_deep(self, texts: Sequence[str]) -> Vectors:
        """Vectors of two depths side by side, float32 of shape (n, 2 * dimension): that of `encode`, then the unit
        vector of the layer before. `BadModel` if the graph was exported without it."""
        if not self._deep:
            raise BadModel("the graph gives no inner layer; export it with `inner=True`")
        return self._encode(texts, (self._output, INNER))

    def _encode(self, texts: Sequence[str], outputs: tuple[str, ...]) -> Vectors:
        vectors = np.zeros((len(texts), len(outputs) * self._dimension), dtype=np.float32)
        for rows, encodings in self._buckets(texts):
            vectors[rows] = self._run(encodings, outputs)
        return vectors

    def _buckets(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[Encoding]]]:
        limit = MAX_CHARACTERS_A_TOKEN * self._max_tokens
        encodings = self._tokenizer.encode_batch([text[:limit] for text in texts])
        by_length = sorted(range(len(texts)), key=lambda row: len(encodings[row].ids))
        for first in range(0, len(by_length), self._batch):
            rows = by_length[first : first + self._batch]
            yield rows, [encodings[row] for row in rows]

    def _run(self, encodings: list[Encoding], outputs: tuple[str, ...]) -> Vectors:
        width = max(1, *(len(encoding.ids) for encoding in encodings))
        ids = np.zeros((len(encodings), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        given = self._session.run(list(outputs), {name: value for name, value in feed.items() if name in self._inputs})
        depths = [normalised(output if self._pooled else mean_pooled(output, mask)) for output in given]
        return depths[0] if len(depths) == 1 else np.concatenate(depths, axis=1)


def mean_pooled(tokens: Vectors, mask: npt.NDArray[np.int64]) -> Vectors:
    """Mean of the token embeddings (n, tokens, dimension) where mask (n, tokens) is 1: shape (n, dimension)."""
    weights = mask[:, :, None].astype(np.float32)
    return np.asarray((tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9), dtype=np.float32)


def normalised(vectors: npt.NDArray[Any]) -> Vectors:
    """The rows scaled to length 1 (zero rows stay zero), as float32."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _load_tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(path.read_text("utf-8"))
    except OSError as error:
        raise BadModel(f"{path.parent} has no readable tokenizer.json; export the encoder into it first") from error
    except Exception as error:  # tokenizers raises bare Exception
        raise BadModel(f"{path} is not a tokenizer file: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _most_tokens(config: Path, otherwise: int) -> int:
    """What the export wrote down of the encoder's length; `otherwise` where it did not."""
    try:
        return int(json.loads(config.read_text("utf-8"))["max_tokens"])
    except (FileNotFoundError, KeyError):
        return otherwise
    except (OSError, ValueError, TypeError) as error:
        raise BadModel(f"{config} does not say how much the encoder reads: {error}; export the encoder anew") from error


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _choose_output(outputs: Sequence[Any]) -> tuple[str, bool, int]:
    by_name = {entry.name: entry for entry in outputs}
    for name in ("sentence_embedding", "last_hidden_state", "token_embeddings"):
        if name in by_name and isinstance(by_name[name].shape[-1], int):
            return name, name == "sentence_embedding", by_name[name].shape[-1]
    raise BadModel(
        f"the graph gives {sorted(by_name)}; a sentence encoder gives sentence_embedding (n, dimension) "
        "or last_hidden_state (n, tokens, dimension)"
    )
