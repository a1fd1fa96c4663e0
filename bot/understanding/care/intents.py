"""Intents themselves: too few rows, names that are no names, and two names that read the same."""

from __future__ import annotations

import re
from collections import defaultdict

from bot.errors import BadInput
from bot.understanding.care.corpus import Corpus
from bot.understanding.care.findings import Finding
from bot.understanding.entities.definitions import EntityDefinitions, Spelling
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.tuning.material import in_words
from bot.understanding.tuning.recipe import FEW_ROWS_AN_INTENT

HARDLY_ANY = 5
"""Below this, rehearsal can hold out no row of the intent, and published few-shot results end."""

_PLAIN_NAME = re.compile(r"[^\W_][\w-]*(?:/[^\W_][\w-]*)?")
"""Letters, digits, _ and -; one / parts a Rasa retrieval intent from its sub-intent."""


def blocking(corpus: Corpus, spelling: Spelling) -> list[Finding]:
    """Why a training would stop: files that cannot be read, or what the training itself says to the rest."""
    unread = [flaw for flaw in corpus.flaws if flaw.whole]
    if unread:
        return [_stop(flaw.problem, f"{flaw.path.name}: {flaw.problem}") for flaw in unread]
    try:
        dataset = IntentDataset.read(*corpus.paths)
        dataset.require_trainable()
        EntityDefinitions.of(dataset, spelling)
    except BadInput as error:
        return [_stop(str(error), str(error))]
    return []


def _stop(says: str, subject: str) -> Finding:
    return Finding("unreadable", "blocks", says, subject=subject)


def few_rows(corpus: Corpus) -> list[Finding]:
    """Intents below the recipe's `FEW_ROWS_AN_INTENT`, with how many are missing."""
    found = []
    for intent in corpus.labels:
        rows = corpus.counts[intent]
        if rows < FEW_ROWS_AN_INTENT:
            missing = FEW_ROWS_AN_INTENT - rows
            found.append(
                Finding(
                    "few_rows",
                    "matters" if rows < HARDLY_ANY else "advice",
                    f"{intent} has {rows} {'row' if rows == 1 else 'rows'}; {missing} more make {FEW_ROWS_AN_INTENT}",
                    subject=intent,
                    figures={"rows": rows, "needed": missing},
                    weight=missing,
                )
            )
    return found


def odd_names(corpus: Corpus) -> list[Finding]:
    """Names with characters that files, flows or people stumble over, and names that differ in spelling alone."""
    found = [
        Finding("labels", "advice", f"{intent!r}: expected letters, digits, _ and - alone", subject=intent)
        for intent in corpus.counts
        if not _PLAIN_NAME.fullmatch(intent)
    ]
    alike: dict[str, list[str]] = defaultdict(list)
    for intent in corpus.counts:
        alike[in_words(intent)].append(intent)
    for words, names in alike.items():
        if len(names) > 1:
            listed = " and ".join(f"{name} ({corpus.counts[name]} rows)" for name in sorted(names))
            says = f"{listed} read the same"
            found.append(Finding("labels", "matters", says, subject=f"alike: {words}", weight=1.0))
    return found
