"""Logs: one line an event, key=value on a terminal and JSON elsewhere; never a customer's text, address or secret."""

from __future__ import annotations

import logging
import os
import sys

import structlog


def configure_logs() -> None:
    """Set structlog up for this process; logs go to stderr, those of libraries only from warnings on."""
    logging.captureWarnings(True)
    for chatty in ("bm25s", "transformers", "sentence_transformers", "httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger().addFilter(lambda record: "pre-processing before quantization" not in record.getMessage())
    os.environ.setdefault("TQDM_DISABLE", "1")
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
