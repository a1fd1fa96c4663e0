"""Englishes of the world, and English as a second language, at the level of spelling and grammar.

A variety is described by a few of its features, applied wherever they can occur: nobody writes all of them at once,
and nothing here is an error of the people who write so. A model that understands them worse serves them worse, which
is why it is measured. Features are named as in eWAVE, the electronic World Atlas of Varieties of English (Kortmann,
Lunkenheimer & Ehret, 2020); applying them by rule follows Ziems et al. (2023), Multi-VALUE.
"""

from __future__ import annotations

import re
from random import Random

from bot.understanding.measuring.robustness.words import exchanged, like, table, without

_ARTICLES = frozenset({"a", "an", "the"})


def no_articles(text: str, random: Random) -> str:
    """Without a, an, the.

    Source: Ionin, Ko & Wexler (2004) on learners whose first language has no articles; eWAVE: zero article where
    standard English has one."""
    return without(text, _ARTICLES)


_DROPPED = frozenset({"to", "in", "on", "at", "for", "of", "into"})


def no_prepositions(text: str, random: Random) -> str:
    """Without to, in, on, at, for, of, into; prepositions that turn the meaning (from, without, before) stay.

    Source: missing prepositions in learners' essays, Dahlmeier, Ng & Wu (2013); eWAVE: omission of prepositions."""
    return without(text, _DROPPED)


_TAKEN_FOR = table("in=at, at=on, on=in, to=for, for=to, of=from, about=for, since=from")


def wrong_prepositions(text: str, random: Random) -> str:
    """Prepositions taken for one another: in, at, on; to, for; since, from.

    Source: the commonest substitutions in learners' essays, Dahlmeier, Ng & Wu (2013)."""
    return exchanged(text, _TAKEN_FOR)


_PRESENT = table(
    """
    was=is, were=is, are=is, has=have, does=do, doesn't=don't, didn't=don't, did=do, had=have, hasn't=haven't,
    went=go, got=get, made=make, sent=send, paid=pay, took=take, bought=buy, lost=lose, came=come, said=say,
    gave=give, found=find, told=tell, forgot=forget, broke=break, broken=broke, stolen=stole, been=be, gone=go,
    taken=take, declined=decline, used=use, it says=it say, it shows=it show, it takes=it take, it seems=it seem, it
    works=it work, required=require
    """
)
_PAST = re.compile(r"\b[a-z]{3,}ed\b", re.IGNORECASE)
_NO_PAST = ("eed", "hundred")
_MUTE_E = re.compile(r"(?:[vcgszu]|[^e]at|[^k]et|ir|[^o]or|[^e]ar)$")
_DOUBLED = re.compile(r"([bdgmnprt])\1$")


def tense_and_agreement(text: str, random: Random) -> str:
    """The present for the past and one form for all persons: it have not arrive, my card is decline.

    Source: verb tense, verb form and agreement errors in learners' essays, Dahlmeier, Ng & Wu (2013); eWAVE: zero
    past tense forms of regular verbs, invariant present tense forms."""
    return exchanged(_PAST.sub(lambda found: _base(found[0]), text), _PRESENT)


def _base(past: str) -> str:
    lower = past.lower()
    if lower in _PRESENT or lower.endswith(_NO_PAST):
        return past
    if lower.endswith("ied"):
        return past[:-3] + "y"
    stem = past[:-2]
    if _DOUBLED.search(stem.lower()):
        return stem[:-1]
    if stem.lower().endswith("ell"):
        return stem[:-1]
    return stem + "e" if _MUTE_E.search(stem.lower()) and not stem.lower().endswith("ss") else stem


_SUBJECT = (
    r"(?P<subject>I|you|we|they|he|she|it|there|"
    r"(?:my|the|your|our|this|that) \w+(?! (?:for|of|in|on|from|to|at|with|that|i)\b))"
)
_QUESTION = r"(?P<word>(?:what|where|when|why|how|which|who)(?: (?:much|many|long|often|soon|far|kind of \w+|\w+s))?)"
_WITH_DO = re.compile(rf"\b{_QUESTION} (?:do|does|did) {_SUBJECT}\b", re.IGNORECASE)
_WITH_OTHER = re.compile(
    rf"\b{_QUESTION} (?P<verb>can|could|should|will|would|is|are|has|have|was|were|am|must|might) {_SUBJECT}\b",
    re.IGNORECASE,
)
_YES_NO_DO = re.compile(rf"(?P<start>^|[.?!,] )(?:do|does|did) {_SUBJECT}\b", re.IGNORECASE)
_YES_NO = re.compile(
    rf"(?P<start>^|[.?!,] )(?P<verb>can|could|should|will|would|is|are|has|have|was|am|may|must) {_SUBJECT}\b",
    re.IGNORECASE,
)


def uninverted_questions(text: str, random: Random) -> str:
    """Questions in the order of statements: how I can cancel it? where my card is? you accept cheques?

    Source: Swan & Smith (2001), Learner English; eWAVE: no inversion, no auxiliaries in wh- and in yes/no
    questions."""
    text = _WITH_DO.sub(r"\g<word> \g<subject>", text)
    text = _WITH_OTHER.sub(r"\g<word> \g<subject> \g<verb>", text)
    text = _YES_NO_DO.sub(lambda found: found["start"] + like(found[0].strip(".?!, "), found["subject"]), text)
    return _YES_NO.sub(
        lambda found: f"{found['start']}{like(found['verb'], found['subject'])} {found['verb'].lower()}", text
    )


_LAST_THING = re.compile(
    r"^(?P<rest>.+?) (?P<thing>(?:my|the|this|that|your) (?!way\b|time\b|lot\b)[\w-]+(?: [\w-]+)?)"
    r"(?P<mark>[.?!]*)$",
    re.IGNORECASE,
)


def topic_first(text: str, random: Random) -> str:
    """The thing first, the sentence about it after: my new card, how do I activate it?

    Source: left dislocation and fronting in Asian Englishes, Mesthrie & Bhatt (2008); eWAVE: other possibilities
    for fronting than standard English."""
    found = _LAST_THING.match(text)
    if found is None:
        return text
    return f"{found['thing']}, {found['rest']} it{found['mark']}"


_ADVERB = re.compile(
    r"\b(?!(?:right|not|a|the|my|and|but|or)\b)(?P<verb>[a-z']+) "
    r"(?P<adverb>already|yesterday|today|still|now|always|never|again|just|also)\b",
    re.IGNORECASE,
)


def misplaced_adverbs(text: str, random: Random) -> str:
    """Adverbs on the other side of the word before them: I already have received, today I order.

    Source: transfer of adverb placement, White (1991); Swan & Smith (2001)."""
    return _ADVERB.sub(lambda found: like(found["verb"], f"{found['adverb'].lower()} {found['verb']}"), text)


_BRITISH = table(
    """
    color=colour, favorite=favourite, canceled=cancelled, canceling=cancelling, zip code=postcode, package=parcel,
    packages=parcels, mailbox=letter box, in the mail=in the post, mailed=posted, apartment=flat, cell phone=mobile,
    personal check=cheque, checks=cheques, stores=shops, the store=the shop, vacation=holiday,
    authorization=authorisation, authorize=authorise, authorized=authorised, unrecognized=unrecognised,
    recognize=recognise, realize=realise, realized=realised, atm=cash machine, trash=rubbish, movers=removal men,
    couch=sofa, mom=mum, shipped=dispatched, shipping=delivery, checking account=current account, gray=grey,
    right away=straight away, two weeks=a fortnight, sign up=register, reach out to=get on to, fill out=fill in,
    neighbor=neighbour, neighbors=neighbours, center=centre, toll free=freephone, closet=wardrobe,
    comforter=duvet, trash can=bin, frying pan=skillet
    """
)
_AMERICAN = {british: american for american, british in _BRITISH.items() if british != "register"} | table(
    """
    cheque=check, cash point=atm, cashpoint=atm, top up=reload, top-up=reload, topping up=reloading,
    topped up=reloaded, top ups=reloads, whilst=while, reckon=guess, bins=trash cans, identity card=id card,
    mums=moms, lorry=truck, shop=store, rubbish=garbage, till receipt=sales slip, dispatch=ship, queue=line
    """
)


def british(text: str, random: Random) -> str:
    """British spelling and everyday words where the American ones stood.

    Source: the pairs of Peters (2004), The Cambridge Guide to English Usage."""
    return exchanged(text, _BRITISH)


def american(text: str, random: Random) -> str:
    """American spelling and everyday words where the British ones stood.

    Source: the pairs of Peters (2004), The Cambridge Guide to English Usage."""
    return exchanged(text, _AMERICAN)


_PROGRESSIVE = table(
    """
    i want=I am wanting, i need=I am needing, i have=I am having, i know=I am knowing, i see=I am seeing, i
    understand=I am understanding, i think=I am thinking, do i have=am I having, i don't know=I am not knowing, i
    don't understand=I am not understanding, i don't see=I am not seeing, i cannot=I am not able to, i can't=I am
    not able to, it says=it is saying, it shows=it is showing, it takes=it is taking, you have=you are having, do
    you have=are you having, i tried=I was trying, please=kindly, tell me=intimate me, reply=revert, bring
    forward=prepone, two days ago=two days back, a week ago=one week back, ago=back, problem=issue, find out=get to
    know, yesterday=yesterday only, today=today only, now=now only
    """
)
_TAGGED, _CLOSED = 0.5, 0.25


def indian_english(text: str, random: Random) -> str:
    """Progressive forms of stative verbs, kindly, the focus word only, and a closing tag.

    Source: Sailaja (2009), Indian English; Bhatt (2008); eWAVE: progressive extended to stative verbs, invariant
    tags."""
    spoken = exchanged(text, _PROGRESSIVE)
    if spoken.endswith("?"):
        return f"{spoken[:-1]}, no?" if random.random() < _TAGGED else spoken
    return f"{_closed(spoken)} Kindly do the needful." if random.random() < _CLOSED else spoken


_COPULA = re.compile(
    r"\b(?P<before>(?:it|he|she|you|we|they|(?:my|the|your|this|that) [a-z]+)) (?:is|are) (?=not\b|\w+ing\b|still\b|"
    r"gone\b|wrong\b|broken\b|late\b|missing\b|lost\b|blocked\b|different\b|already\b|a\b|the\b|in\b|on\b)",
    re.IGNORECASE,
)
_ASKED_COPULA = re.compile(
    r"\b(?P<word>where|why|what|how|when) (?:is|are) (?=my\b|the\b|it\b|you\b|there\b)", re.IGNORECASE
)
_CONTRACTED = re.compile(r"\b(?P<word>it|he|she|you|we|they|what|where)(?:'s|'re) (?!been\b|got\b)", re.IGNORECASE)
_NEGATED = re.compile(
    r"(?P<negative>\b(?:don't|didn't|ain't|can't|won't|never|not)\b[^.?!]*?) any(?P<thing>thing)?\b", re.IGNORECASE
)
_AIN_T = table(
    """
    isn't=ain't, aren't=ain't, hasn't=ain't, haven't=ain't, am not=ain't, is not=ain't, are not=ain't, has
    not=ain't, have not=ain't, doesn't=don't, does not=don't, does=do, was not=wasn't, were=was,
    weren't=wasn't, about to=finna
    """
)
_ING = re.compile(r"\b(?P<stem>[a-z]{2,})ing\b", re.IGNORECASE)
_WITH_ING = "anything something nothing everything thing bring morning evening during string"
_NO_PARTICIPLES = frozenset(_WITH_ING.split())


def african_american_english(text: str, random: Random) -> str:
    """The verb be left out where it can be contracted, ain't, negative concord, one form for all persons, -in'.

    Source: Green (2002), African American English; Rickford (1999); eWAVE: deletion of copula and auxiliary be,
    multiple negation, ain't as the negated form of be and have, invariant don't."""
    text = exchanged(text, _AIN_T)
    text = _COPULA.sub(r"\g<before> ", text)
    text = _ASKED_COPULA.sub(r"\g<word> ", text)
    text = _CONTRACTED.sub(r"\g<word> ", text)
    text = _NEGATED.sub(lambda found: f"{found['negative']} no{found['thing'] or ''}", text)
    return _ING.sub(lambda found: found[0] if found[0].lower() in _NO_PARTICIPLES else f"{found['stem']}in'", text)


def _closed(text: str) -> str:
    return text if text[-1:] in {".", "!", "?"} else f"{text}."
