"""What the large model used and cost stands on the desk's releases page, where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.llm.connect import spending_of
from bot.store.spending import Use
from tests.browser.shop_site import make_site
from tests.console.test_desk import MAUD, signed_in


def test_the_releases_page_says_what_the_large_model_cost_today(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    site.add_person()
    desk = signed_in(site, MAUD)
    assert "Large model" not in desk.get("/desk/releases/").text
    settings = replace(site.parts.settings, llm_url="http://127.0.0.1:9/v1", llm_model="<small>")
    site.app.extensions["firstline"] = replace(site.parts, settings=settings)
    spending = spending_of(settings, site.parts.library.database, site.parts.clock)
    reserved = spending.reserve("c1", 900, "answer")
    assert reserved is not None
    spending.settle(reserved, Use(300, 20, 1_250_000, "written"))
    page = desk.get("/desk/releases/").text
    assert "&lt;small&gt; was asked 1 times today: 320 of 1,000,000 tokens, at a cost of 1.25." in page
    site.close()
