"""What the customer is told whenever a conversation changes hands."""

from __future__ import annotations


def joined(agent: str) -> str:
    return f"{agent} has joined."


def left(agent: str) -> str:
    return f"{agent} has left. I am the automatic assistant again; ask away, or ask for a human at any time."


def closed() -> str:
    return "This conversation was closed."


def passed_on(agent: str, colleague: str) -> str:
    return f"{agent} has passed this to {colleague}, who can read what was said so far."


def referred(agent: str, team: str) -> str:
    to = f"our team for {team}" if team else "our team"
    return f"{agent} has passed this to {to}. Your place in the queue is kept."


def snoozed(agent: str, when: str) -> str:
    return f"{agent} will come back to this {when}. If you write before, you are back in the queue at once."


def lapsed(agent: str) -> str:
    return f"{agent} had to leave. You are back in the queue, your place is kept, and nothing you wrote is lost."
