"""Gunicorn's settings for the web process, and its clean end: open streams are told before it waits for them."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING

from bot.logs import configure_logs
from bot.settings import Settings

if TYPE_CHECKING:
    from gunicorn.workers.base import Worker

_settings = Settings.load()
configure_logs()

bind = f"{_settings.host}:{_settings.port}"
workers = 1
worker_class = "gthread"
threads = _settings.web_threads
worker_tmp_dir = "/dev/shm"  # noqa: S108  gunicorn's own heartbeat file; a disk would make it stall
graceful_timeout = 10
timeout = 60
keepalive = 20
accesslog = None
errorlog = "-"
loglevel = "warning"
wsgi_app = "bot.app:create_app()"


def post_worker_init(worker: Worker) -> None:
    """End streams at once on SIGTERM; otherwise it waits the whole graceful time-out for them."""
    before = signal.getsignal(signal.SIGTERM)
    wakeup = worker.wsgi.extensions["firstline"].wakeup

    def terminate(number: int, frame: FrameType | None) -> None:
        wakeup.closing.set()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, terminate)
