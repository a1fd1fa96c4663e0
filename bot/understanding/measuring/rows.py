"""Whether the rows of an evaluation belong together, and what about them a reader of its figures should know."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import BadInput
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.utterances import clean

_NAMED = 5


def require_shared_intents(training: IntentDataset, testing: IntentDataset, name: str) -> None:
    """`BadInput` if no row can be right: all of them out of scope, or no intent in common."""
    if not testing.in_scope:
        raise BadInput(
            f"{name}: all of its {len(testing.rows)} rows are out of scope; "
            "expected rows with intents of the training rows, rows that no intent fits belong into --oos"
        )
    if set(testing.labels) & set(training.labels):
        return
    spelled = {_letters(label): label for label in training.labels}
    alike = [(label, spelled[_letters(label)]) for label in testing.labels if _letters(label) in spelled]
    hint = f"; {alike[0][0]!r} is spelled {alike[0][1]!r} there" if alike else ""
    raise BadInput(
        f"{name}: none of its intents occurs in the training rows: it has {_listed(testing.labels)}, they have "
        f"{_listed(training.labels)}{hint}; are the labels spelled alike?"
    )


def notes_on(training: IntentDataset, testing: IntentDataset, outside: IntentDataset | None) -> tuple[str, ...]:
    """Sentences on the rows that whoever quotes a figure should know."""
    notes = []
    sets = {"training": training, "test": testing, "out-of-scope": outside}
    for name, dataset in sets.items():
        if dataset is not None and dataset.problems:
            notes.append(f"{name} files: {len(dataset.problems)} entries left out, the first: {dataset.problems[0]}")
    foreign = [row.intent for row in testing.in_scope if row.intent not in set(training.labels)]
    if foreign:
        names = _listed(tuple(sorted(set(foreign))))
        notes.append(
            f"{len(foreign)} test rows have intents without a training row ({names}); they are counted as wrong"
        )
    learned = {_letters(row.text) for row in training.rows}
    seen = sum(_letters(row.text) in learned for row in testing.in_scope)
    if seen:
        notes.append(f"{seen} of {len(testing.in_scope)} test rows stand among the training rows, marks and case aside")
    unmeasured = sorted(set(training.labels) - set(testing.labels))
    if unmeasured:
        names = _listed(tuple(unmeasured))
        notes.append(f"{len(unmeasured)} of {len(training.labels)} intents have no test row ({names})")
    return tuple(notes)


def _letters(text: str) -> str:
    """What is left when case, marks and spaces do not count."""
    return "".join(letter for letter in clean(text).casefold() if letter.isalnum())


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
