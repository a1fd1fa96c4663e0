"""Rasa's DIET (Bunk et al., 2020) in the pipeline that Rasa 3.6.21 uses where a project names none, 100 epochs.

Runs in Rasa's own environment (`.venv-rasa`, Python 3.10). All that is set is the seed. Rasa answers one message at
a time, so its rows per second are of that; out of scope is what no intent is likely to be, the class `out_of_scope`
being one of Rasa's intents where there are rows of it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders.job import OUT_OF_SCOPE, Answer, Job, Stopwatch

NAME = "diet"
FALLBACK = "nlu_fallback"


def learner() -> Callable[[Job, Path], dict[str, Any]]:
    import yaml
    from rasa.engine import recipes
    from rasa.model_training import train_nlu

    def learn(job: Job, model: Path) -> dict[str, Any]:
        config = yaml.safe_load(
            (Path(recipes.__file__).parent / "config_files" / "default_config.yml").read_text("utf-8")
        )
        for component in config["pipeline"]:
            if "epochs" in component:
                component["random_seed"] = job.seed
        kept = {name: config[name] for name in ("recipe", "assistant_id", "language", "pipeline")}
        project = model.with_name("project")
        project.mkdir()
        (project / "config.yml").write_text(yaml.safe_dump(kept), "utf-8")
        (project / "nlu.yml").write_text(
            yaml.safe_dump(training_data(*job.training_rows()), allow_unicode=True), "utf-8"
        )
        with Stopwatch() as watch:
            train_nlu(str(project / "config.yml"), str(project / "nlu.yml"), str(model), fixed_model_name=NAME)
        return watch.figures("train")

    return learn


def answerer(model: Path) -> Callable[[Sequence[str]], list[Answer]]:
    from rasa.core.agent import Agent

    agent = Agent.load(model_path=str(model / f"{NAME}.tar.gz"))
    loop = asyncio.new_event_loop()

    def classify(texts: Sequence[str]) -> list[Answer]:
        # a leading slash would be read as a command
        return [answer_of(loop.run_until_complete(agent.parse_message(text.lstrip("/")))) for text in texts]

    return classify


def training_data(texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
    """Rasa's NLU format. Brackets would be read as entities, and a slash in an intent as a retrieval intent."""
    by_intent = defaultdict(list)
    for text, intent in zip(texts, intents, strict=True):
        by_intent[intent.replace("/", "_")].append("- " + " ".join(text.translate({91: 40, 93: 41}).split()))
    nlu = [{"intent": intent, "examples": "\n".join(lines) + "\n"} for intent, lines in by_intent.items()]
    return {"version": "3.1", "nlu": nlu}


def answer_of(parsed: dict[str, Any]) -> Answer:
    """The likeliest intent of a parsed message, leaving aside what stands for knowing none."""
    for each in parsed.get("intent_ranking", []):
        if each["name"] not in (FALLBACK, OUT_OF_SCOPE):
            return Answer(each["name"], float(each["confidence"]), 1.0 - float(each["confidence"]))
    return Answer("", 0.0, 1.0)
