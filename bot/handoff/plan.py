"""How the desk is run, from the policy's key `service`: teams, priorities, the first-answer clock, who gets what.

Pure and self-contained: `parse_plan` takes the whole raw policy and reads `service` and `vip` of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bot.errors import BadInput

PRIORITIES = ("urgent", "high", "normal", "low")
"""By rank from 0, the first to be served."""
NORMAL = PRIORITIES.index("normal")
VIP = "vip"
"""The topic of customers whom the policy's `vip` marks."""
ASSIGNMENTS = ("by_hand", "round_robin")


@dataclass(frozen=True, slots=True)
class Team:
    """Agents who know some topics: intents, and ids of reserved topics."""

    id: str
    title: str
    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """The desk's rules; the defaults hold where the policy says nothing.

    `priorities` by topic. `first_answer_minutes` by priority, counted in opening hours; 0 is no clock. `warn_after` is
    the share of that time, in (0, 1), after which a colleague is warned. `capacity` is how many conversations an agent
    is given at most. A conversation whose agent is gone for `away_minutes` while the customer waits for an answer
    returns to the queue; one that its customer opens again within `reopen_days` goes to the same agent, if present.
    """

    teams: tuple[Team, ...] = ()
    priorities: Mapping[str, str] = field(default_factory=lambda: {"safety": "urgent", VIP: "high"})
    first_answer_minutes: Mapping[str, float] = field(
        default_factory=lambda: {"urgent": 5.0, "high": 15.0, "normal": 60.0, "low": 240.0}
    )
    warn_after: float = 0.75
    assignment: str = "by_hand"
    capacity: int = 6
    away_minutes: float = 10.0
    reopen_days: float = 7.0
    vip: tuple[str, str] | None = None

    def priority(self, topics: Collection[str]) -> int:
        """The rank of the most urgent of these topics, `NORMAL` where none has one."""
        ranks = [PRIORITIES.index(self.priorities[topic]) for topic in topics if topic in self.priorities]
        return min(ranks, default=NORMAL)

    def team(self, topics: Collection[str]) -> str:
        """The first team that knows one of these topics, empty where none does."""
        return next((team.id for team in self.teams if team.topics & set(topics)), "")

    def title(self, team: str) -> str:
        """A team's title; of one that the policy no longer has, its id."""
        return next((each.title for each in self.teams if each.id == team), team)

    def is_vip(self, attributes: Mapping[str, str]) -> bool:
        return self.vip is not None and attributes.get(self.vip[0]) == self.vip[1]


def parse_plan(raw: Mapping[str, Any]) -> Plan:
    """From the raw policy; `BadInput` names the key, what was found and what is expected."""
    given = _mapping(raw.get("service"), "service")
    known = {each.name for each in fields(Plan)} - {"vip"}
    if unknown := set(given) - known:
        raise BadInput(f"service: unknown keys {_list(unknown)}; known are {_list(known)}")
    own: dict[str, Any] = {}
    if "teams" in given:
        own["teams"] = _teams(given["teams"])
    if "priorities" in given:
        own["priorities"] = _priorities(given["priorities"])
    if "first_answer_minutes" in given:
        own["first_answer_minutes"] = _minutes(given["first_answer_minutes"])
    for key, low, high in (("warn_after", 0.01, 0.99), ("away_minutes", 1, 1_440), ("reopen_days", 0, 365)):
        if key in given:
            own[key] = _number(given[key], key, low, high)
    if "capacity" in given:
        own["capacity"] = int(_number(given["capacity"], "capacity", 1, 1_000))
    if "assignment" in given:
        own["assignment"] = _one_of(given["assignment"], "assignment", ASSIGNMENTS)
    vip = raw.get("vip")
    marks = isinstance(vip, Mapping) and {"attribute", "value"} <= set(vip)
    return Plan(**own, vip=(str(vip["attribute"]), str(vip["value"])) if marks and vip else None)


def _teams(given: Any) -> tuple[Team, ...]:
    if not isinstance(given, list):
        raise BadInput(f"service: teams is a list of id, title and topics, got {type(given).__name__}")
    teams: dict[str, Team] = {}
    for entry in given:
        one = _mapping(entry, "a team")
        if set(one) - {"id", "title", "topics"} or not isinstance(one.get("id"), str) or not one["id"]:
            raise BadInput(f"service: a team has id, title and topics; got {_list(map(str, one))}")
        id, topics = one["id"], one.get("topics", [])
        if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
            raise BadInput(f"service: the topics of team {id!r} are a list of intents and reserved topics")
        if id in teams:
            raise BadInput(f"service: two teams have the id {id!r}")
        if len(id) > 60:
            raise BadInput(f"service: the id of a team has at most 60 characters, {id[:20]!r}… has {len(id)}")
        teams[id] = Team(id, str(one.get("title", id)), frozenset(topics))
    return tuple(teams.values())


def _priorities(given: Any) -> dict[str, str]:
    """From `{urgent: [safety, …], high: […]}` to a priority by topic."""
    by_topic: dict[str, str] = {}
    for priority, topics in _mapping(given, "priorities").items():
        _one_of(priority, "priorities", PRIORITIES)
        if not isinstance(topics, list):
            raise BadInput(f"service: priorities: {priority} is a list of topics, got {type(topics).__name__}")
        for topic in map(str, topics):
            if by_topic.setdefault(topic, priority) != priority:
                raise BadInput(f"service: priorities: {topic!r} is {by_topic[topic]} and {priority}; choose one")
    return by_topic


def _minutes(given: Any) -> dict[str, float]:
    minutes = dict(Plan().first_answer_minutes)
    for priority, value in _mapping(given, "first_answer_minutes").items():
        _one_of(priority, "first_answer_minutes", PRIORITIES)
        minutes[priority] = _number(value, f"first_answer_minutes: {priority}", 0, 100_000)
    return minutes


def _mapping(given: Any, name: str) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadInput(f"service: {name} is a mapping, got {type(given).__name__}")
    return given


def _number(given: Any, name: str, low: float, high: float) -> float:
    """A number, also one that is still text, as a reader of YAML that keeps the lines leaves it."""
    try:
        number = float("nan" if isinstance(given, bool) else given)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        raise BadInput(f"service: {name} is a number from {low:,} to {high:,}, got {given!r}")
    return number


def _one_of(given: Any, name: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise BadInput(f"service: {name} knows {', '.join(known)}; got {given!r}")
    return str(given)


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
