"""The large model behind one door: any endpoint that speaks OpenAI's chat completions.

A call connects within `CONNECT_S` and is over after `TOTAL_S`, whatever the far side does. Answers are bounded, no
redirect is followed, no proxy of the environment is used, and the key is in no message and no log. What can be tried
again (no connection, a connection that broke, 408, 429 and 5xx) is tried once more while there is time.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import httpcore2

from bot.errors import FirstlineError
from bot.llm.deadline import Deadline, DeadlineBackend
from bot.llm.reply import SCHEMA

CONNECT_S = 3.0
TOTAL_S = 20.0
MAX_ANSWER_BYTES = 256 * 1024
PAUSE_S = 0.4
LONGEST_PAUSE_S = 5.0
_AGAIN = frozenset((408, 429, 500, 502, 503, 504, 529))
_SHAPED = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
    "temperature": 0,
}

Cause = Literal["unreachable", "timeout", "busy", "broken", "refused", "too-large", "garbage", "resting", "budget"]
Chat = Sequence[Mapping[str, str]]
"""Messages as the API has them: `role` and `content`."""


class ModelUnavailable(FirstlineError):
    """The large model gave nothing usable. `cause` says in one word why; `lost` counts attempts that the far side may
    have worked on, and charged for, without telling how much."""

    code = "model_unavailable"
    status = 503

    def __init__(self, message: str, cause: Cause, *, lost: int = 0) -> None:
        super().__init__(message)
        self.cause = cause
        self.lost = lost


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote. The tokens it read and wrote as the endpoint counts them, None where it does not say;
    `lost` as in `ModelUnavailable`."""

    text: str
    read_tokens: int | None = None
    written_tokens: int | None = None
    lost: int = 0


class LargeModel(Protocol):
    def complete(self, chat: Chat, max_tokens: int) -> Completion:
        """Write on from the messages, at most `max_tokens`; `ModelUnavailable` where that does not work."""
        ...


class _Failed(Exception):
    """How one attempt failed, whether another makes sense, after which pause, and whether it may have been charged."""

    def __init__(
        self,
        what: str,
        cause: Cause,
        *,
        again: bool = False,
        lost: bool = False,
        pause_s: float = PAUSE_S,
        plain: bool = False,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.again = again
        self.lost = lost
        self.pause_s = pause_s
        self.plain = plain


class ChatEndpoint:
    """Speaks to `{url}/chat/completions`. `url` ends where the API's version does, as in `http://127.0.0.1:8080/v1`."""

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        *,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"
        self._model = model
        self._headers = [("Content-Type", "application/json"), ("Accept-Encoding", "identity")]
        self._headers += [("Authorization", f"Bearer {key}")] if key else []
        self._connect_s = connect_s
        self._total_s = total_s
        self._sleep = sleep
        self._tls = ssl.create_default_context() if self._address.startswith("https:") else None
        self._plain = False

    def complete(self, chat: Chat, max_tokens: int) -> Completion:
        deadline = Deadline(self._total_s)
        lost = 0
        for last in (False, True):
            try:
                return replace(self._once(self._body(chat, max_tokens), deadline), lost=lost)
            except _Failed as failed:
                lost += failed.lost
                self._plain = self._plain or failed.plain
                if last or not failed.again or deadline.left_s() <= failed.pause_s:
                    raise ModelUnavailable(f"the large model {failed.what}", failed.cause, lost=lost) from failed
                self._sleep(failed.pause_s)
        raise AssertionError("the second attempt returns or raises")

    def _body(self, chat: Chat, max_tokens: int) -> bytes:
        """An endpoint that knows no `response_format` says 400; from then on it is spared that."""
        asked = {"model": self._model, "messages": list(chat), "max_tokens": max_tokens, "stream": False}
        return json.dumps(asked if self._plain else asked | _SHAPED, ensure_ascii=False).encode()

    def _once(self, body: bytes, deadline: Deadline) -> Completion:
        backend = DeadlineBackend(deadline, self._connect_s)
        headers = [*self._headers, ("Content-Length", str(len(body)))]
        try:
            with (
                httpcore2.ConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
                pool.stream("POST", self._address, headers=headers, content=body) as answer,
            ):
                if answer.status != 200:
                    raise self._refusal(answer.status, dict(answer.headers))
                return _completion(_bounded(answer))
        except httpcore2.ConnectTimeout as error:
            raise _Failed("cannot be connected to in time", "unreachable", again=True) from error
        except httpcore2.ConnectError as error:
            raise _Failed(f"cannot be connected to ({error})", "unreachable", again=True) from error
        except httpcore2.TimeoutException as error:
            raise _Failed(f"did not answer within {self._total_s:g} s", "timeout", lost=True) from error
        except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as error:
            raise _Failed("broke the connection off", "broken", again=True, lost=True) from error
        except (httpcore2.UnsupportedProtocol, httpcore2.LocalProtocolError) as error:
            raise _Failed("has an address or a key that cannot be sent; see FIRSTLINE_LLM_URL", "refused") from error

    def _refusal(self, status: int, headers: Mapping[bytes, bytes]) -> _Failed:
        if status == 400 and not self._plain:
            return _Failed("answered 400", "refused", again=True, pause_s=0.0, plain=True)
        cause: Cause = "busy" if status == 429 else "broken" if status in _AGAIN else "refused"
        return _Failed(f"answered {status}", cause, again=status in _AGAIN, pause_s=_pause_s(headers))


def _pause_s(headers: Mapping[bytes, bytes]) -> float:
    """What `Retry-After` asks for in seconds, never more than `LONGEST_PAUSE_S`: a customer waits."""
    stated = {name.lower(): value for name, value in headers.items()}.get(b"retry-after", b"")
    return min(float(stated), LONGEST_PAUSE_S) if stated.isdigit() else PAUSE_S


def _bounded(answer: httpcore2.Response) -> bytes:
    pieces, size = [], 0
    for piece in answer.iter_stream():
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise _Failed(f"answered more than {MAX_ANSWER_BYTES:,} bytes", "too-large", lost=True)
        pieces.append(piece)
    return b"".join(pieces)


def _completion(body: bytes) -> Completion:
    try:
        given = json.loads(body)
        text = given["choices"][0]["message"]["content"]
        if not isinstance(text, str):
            raise TypeError("content is no text")
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise _Failed("answered in another shape than a chat completion", "garbage", lost=True) from error
    usage = given.get("usage")
    return Completion(text, _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens"))


def _tokens(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None
