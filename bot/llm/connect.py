"""The large model as the settings have it: a writer where an endpoint is named, none otherwise."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.errors import BadSettings
from bot.llm.client import ChatEndpoint
from bot.llm.guard import Guard
from bot.llm.personal import PersonalData
from bot.llm.writer import Writer
from bot.settings import Settings
from bot.store.database import Database
from bot.store.log import Clock
from bot.store.spending import Limits, Prices, Spending
from bot.understanding.entities.definitions import Spelling


def spending_of(settings: Settings, database: Database, clock: Clock) -> Spending:
    """The budgets of these settings."""
    limits = Limits(settings.llm_daily_budget, settings.llm_conversation_budget)
    return Spending(database, clock, limits)


def writer_of(settings: Settings, database: Database, clock: Clock) -> Writer | None:
    """What asks the endpoint of FIRSTLINE_LLM_URL, None where none is set; `BadSettings` where no model is named."""
    if not settings.llm_url:
        return None
    if not settings.llm_model:
        raise BadSettings("FIRSTLINE_LLM_URL is set but FIRSTLINE_LLM_MODEL is not; name the model to ask there")
    spelling = Spelling(settings.order_pattern, settings.order_format, settings.phone_region)
    return Writer(
        ChatEndpoint(settings.llm_url, settings.llm_model, settings.llm_key),
        spending_of(settings, database, clock),
        Guard(companys_hosts(settings)),
        PersonalData(spelling),
        model=settings.llm_model,
        company=settings.company_name,
        prices=Prices(settings.llm_price_in, settings.llm_price_out),
    )


def companys_hosts(settings: Settings) -> tuple[str, ...]:
    """Hosts that an answer may link to: those named in FIRSTLINE_LLM_HOSTS, and that of the public address. A name
    holds for what is below it too, `wrenfield.example` for `www.wrenfield.example`."""
    own = urlsplit(settings.address).hostname or ""
    return tuple(dict.fromkeys(each.lower() for each in (*settings.llm_hosts.split(), own) if each))
