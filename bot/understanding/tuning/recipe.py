"""The training recipe in one place: a frozen record, its few choices made from the size of the data."""

from __future__ import annotations

from dataclasses import dataclass

FEW_ROWS_AN_INTENT = 20
FEWEST_TO_VOTE = 8
"""Rows an intent below which its neighbours are too few to vote."""
FEW_ROWS_EPOCHS = 10
MANY_INTENTS = 1_000

MOST_EPOCHS, FEWEST_EPOCHS = 5, 3
ROW_PASSES = 40_000
"""Rows seen in a training on much data: about three minutes on two cores. A company's 1,500 rows take one."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the encoder is tuned and its heads are mixed.

    Tuning: a cosine head started from class means is trained with cross-entropy (label smoothing) plus `contrastive`
    times the supervised contrastive loss of Khosla et al. (2020); `scale` multiplies cosines to logits; rates rise
    over `warm_up` of the steps and fall linearly after. `name_rows` copies of every intent's name are trained on as
    rows; `masked` of the word pieces are hidden in every pass. Afterwards the weights move back to base + `keep_tuned`
    times the way (Wortsman et al., 2022).

    Heads: `linear_share` in [0, 1] belongs to a logistic regression over the tuned vectors, `vote_share` to the
    neighbours' vote. Rehearsal: `rehearsal_rows` bounds the rows it takes, `held_out` is its share of rows set aside,
    `left_out` its share of intents set aside as unknown ones.
    """

    epochs: int
    encoder_rate: float = 2e-4
    head_rate: float = 2e-3
    batch: int = 48
    weight_decay: float = 0.01
    warm_up: float = 0.1
    dropout: float = 0.1
    scale: float = 20.0
    label_smoothing: float = 0.1
    contrastive: float = 0.2
    contrastive_temperature: float = 0.1
    name_rows: int = 0
    masked: float = 0.0
    keep_tuned: float = 0.75
    linear_share: float = 0.0
    vote_share: float = 0.3
    max_tokens: int = 64
    rehearsal_rows: int = 2_000
    held_out: float = 0.2
    left_out: float = 0.15
    neighbours_an_intent: int = 50

    @classmethod
    def for_data(cls, rows: int, intents: int) -> Recipe:
        """Few rows an intent: gentle steps, more regularisation, names as rows, a second head; the neighbours vote
        from `FEWEST_TO_VOTE` rows on. Else `ROW_PASSES` within `FEWEST_EPOCHS` to `MOST_EPOCHS`. Beyond `MANY_INTENTS`
        few rows an intent are still many: passes are bounded, and the second head is left out, its cost being rows
        times intents."""
        if rows <= FEW_ROWS_AN_INTENT * max(intents, 1):
            passes = 2 * ROW_PASSES / max(rows + 2 * intents, 1)
            return cls(
                epochs=min(FEW_ROWS_EPOCHS, max(FEWEST_EPOCHS, round(passes))),
                encoder_rate=1e-4,
                dropout=0.2,
                contrastive=1.0,
                name_rows=2,
                linear_share=0.5 if intents <= MANY_INTENTS else 0.0,
                masked=0.3,
                vote_share=0.3 if rows >= FEWEST_TO_VOTE * intents else 0.0,
            )
        return cls(epochs=min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(ROW_PASSES / max(rows, 1)))), masked=0.1)
