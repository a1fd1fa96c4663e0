"""Who may be told what a document says, from the widest audience to the narrowest.

Whoever searches on behalf of an audience sees what is meant for it and for every wider one: an agent sees everything,
a customer who is signed in what is for customers and for the public.
"""

from __future__ import annotations

from typing import Literal, get_args

Audience = Literal["public", "customers", "agents"]

AUDIENCES: tuple[Audience, ...] = get_args(Audience)


def may_see(viewer: Audience, audience: Audience) -> bool:
    """Whether somebody of audience `viewer` may be told what a document for `audience` says."""
    return AUDIENCES.index(audience) <= AUDIENCES.index(viewer)


def narrower(one: Audience, other: Audience) -> Audience:
    """The audience of the two that fewer people belong to."""
    return max(one, other, key=AUDIENCES.index)


def audience_of(stated: object) -> Audience:
    """The audience that a source states, in any case; `public` where it states nothing.

    `ValueError` for any other word: a misspelt audience must not make a document public.
    """
    word = "" if stated is None else str(stated).strip().lower()
    if not word:
        return "public"
    for audience in AUDIENCES:
        if word == audience:
            return audience
    raise ValueError(f"states the audience {str(stated)[:40]!r}; it is one of {', '.join(AUDIENCES)}")
