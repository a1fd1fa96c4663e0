"""What people of the desk may do: four roles, each of which may do all that the one before it may."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["viewer", "agent", "admin", "owner"]
"""A viewer reads, an agent also answers and adds knowledge, an admin also manages the desk and its agents, an owner
also manages admins and owners."""
ROLES: tuple[Role, ...] = get_args(Role)


def at_least(role: Role, needed: Role) -> bool:
    """Whether `role` may do what needs `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)


def may_manage(role: Role, other: Role) -> bool:
    """Whether somebody with `role` may add, change or remove an account with the role `other`."""
    return role == "owner" or (role == "admin" and not at_least(other, "admin"))
