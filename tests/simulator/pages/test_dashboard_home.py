"""The overview, search, and lists in pieces."""

from __future__ import annotations

import re

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.pages.dashboard.parts import distance, link, who
from caixa_subscriptions.simulator.store import Store
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.pages.browsing import Browser, Page, call, new_checkout, subscribe

LISTS = ("customers", "subscriptions", "invoices", "checkouts", "events", "deliveries", "clocks")
HOSTILE = "<script>alert(1)</script>\"'&"


def customers(simulator: Simulator, count: int) -> list[str]:
    return [
        call(simulator, "POST", "/v1/customers", email=f"c{number:02}@example.com")["id"]
        for number in range(count)
    ]


def emails(page: Page) -> list[str]:
    return re.findall(r"(c\d\d)@example.com</a>", page.html)


def followed(browser: Browser, page: Page, text: str) -> Page:
    found = re.search(rf'<a class="button" href="([^"]+)">{text}</a>', page.html)
    assert found
    return browser.get(found[1].replace("&amp;", "&"))


def test_a_newcomer_is_told_how_to_begin(browser: Browser, simulator: Simulator) -> None:
    page = browser.get("/simulator/")
    assert "Nothing here yet" in page.text
    assert 'stripe.api_base = "http://127.0.0.1:8000"' in page.text
    customers(simulator, 1)
    assert "Nothing here yet" not in browser.get("/simulator/").text


def test_an_empty_simulator_without_a_clock() -> None:
    with Simulator(transport=lambda url, headers, body: 200) as simulator:
        page = Browser(SimulatorApplication(simulator)).get("/simulator/")
    assert "There is no test clock" in page.text
    assert "No events." in page.text
    assert "None yet." in page.text


def test_the_overview_counts(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    subscribe(simulator, subscription_data=None)
    page = browser.get("/simulator/")
    assert "Customers 2" in page.text
    assert "Subscriptions 2 1 active 1 trialing" in page.text
    assert 'href="/simulator/subscriptions?status=trialing"' in page.html


@pytest.mark.parametrize("place", LISTS)
def test_every_list_is_there_when_it_is_empty(browser: Browser, place: str) -> None:
    page = browser.get(f"/simulator/{place}")
    assert page.status == 200
    assert f'href="/simulator/{place}" aria-current="page"' in page.html
    assert browser.get(f"/simulator/{place}?before=none&after=none&status=none").status == 200


def test_a_long_list_is_read_in_pieces(browser: Browser, simulator: Simulator) -> None:
    customers(simulator, 60)
    first = browser.get("/simulator/customers")
    assert emails(first) == [f"c{number:02}" for number in range(59, 34, -1)]
    assert "Newer" not in first.text
    second = followed(browser, first, "Older →")
    assert emails(second)[0] == "c34"
    third = followed(browser, second, "Older →")
    assert emails(third)[-1] == "c00"
    assert "Older" not in third.text
    middle = followed(browser, third, "← Newer")
    assert emails(middle) == emails(second)
    assert emails(followed(browser, middle, "← Newer")) == emails(first)
    assert emails(followed(browser, middle, "Newest")) == emails(first)


def test_a_piece_that_is_not_there_leads_to_the_newest(
    browser: Browser, simulator: Simulator
) -> None:
    [only] = customers(simulator, 1)
    page = browser.get(f"/simulator/customers?before={only}")
    assert emails(page) == []
    assert emails(followed(browser, page, "Newest")) == ["c00"]


def test_a_piece_keeps_the_filter(browser: Browser, simulator: Simulator) -> None:
    customers(simulator, 30)
    page = browser.get("/simulator/events?type=customer.created")
    assert "type=customer.created&amp;before=evt_" in page.html


def test_no_page_reads_all_of_many_objects(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(simulator)
    customers(simulator, 40)
    kinds: list[str] = []
    read_all = Store.all

    def watched(store: Store, kind: str, **which: str | None) -> list[dict[str, object]]:
        kinds.append(kind)
        return read_all(store, kind, **which)

    monkeypatch.setattr(Store, "all", watched)
    for place in ("", *LISTS, "search?q=c0"):
        page = browser.get(f"/simulator/{place}")
        assert page.html.count("<tr>") + page.html.count("<li class") <= 60
    assert set(kinds) <= {"webhook_endpoint"}


def test_search(browser: Browser, simulator: Simulator) -> None:
    [first, second] = customers(simulator, 2)
    found = browser.get("/simulator/search?q=c0")
    assert first in found.text
    assert second in found.text
    assert browser.get("/simulator/search?q=c01@example").text.count("cus_") == 1
    assert browser.get(f"/simulator/search?q={first}").location == f"/simulator/customers/{first}"
    assert "Nothing was found" in browser.get("/simulator/search?q=zzz").text
    assert "Write an id" in browser.get("/simulator/search").text


def test_the_search_box_repeats_what_was_asked(browser: Browser) -> None:
    page = browser.get("/simulator/search?q=%22%3E%3Cscript%3E")
    assert 'value="&quot;&gt;&lt;script&gt;"' in page.html
    assert "<script" not in page.html


def test_an_object_without_a_page_of_its_own(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    [product] = simulator.list_objects("product")
    page = browser.get(f"/simulator/objects/{product['id']}")
    assert "Product" in page.text
    assert "product.created" in page.text
    [customer] = simulator.list_objects("customer")
    answer = browser.get(f"/simulator/objects/{customer['id']}")
    assert answer.location == f"/simulator/customers/{customer['id']}"
    assert browser.get("/simulator/objects/prod_none").status == 404


def test_checkouts_of_a_status(browser: Browser, simulator: Simulator) -> None:
    opened = new_checkout(simulator)
    subscribe(simulator)
    everything = browser.get("/simulator/checkouts")
    assert f'href="{opened["url"]}"' in everything.html
    assert f'href="{opened["url"]}"' not in browser.get("/simulator/checkouts?status=complete").html


def test_names_are_escaped_on_every_page(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator, subscription_data=None)
    [one] = simulator.list_objects("customer")
    call(
        simulator,
        "POST",
        f"/v1/customers/{one['id']}",
        name=HOSTILE,
        metadata={HOSTILE: HOSTILE},
    )
    ids = {
        "customers": one["id"],
        "subscriptions": simulator.list_objects("subscription")[0]["id"],
        "invoices": simulator.list_objects("invoice")[0]["id"],
        "events": simulator.list_objects("event")[0]["id"],
        "objects": simulator.list_objects("product")[0]["id"],
    }
    paths = ["", *LISTS, "search?q=%3Cscript", *(f"{name}/{one}" for name, one in ids.items())]
    for path in paths:
        page = browser.get(f"/simulator/{path}")
        assert page.status == 200, path
        assert "<script" not in page.html, path
        assert "Simulated Stripe" in page.text
        assert page.html.count("<h1>") == 1
    assert HOSTILE in browser.get(f"/simulator/customers/{one['id']}").text


@pytest.mark.parametrize("place", ["customers", "subscriptions", "invoices", "events"])
def test_what_is_not_there_is_not_found(browser: Browser, simulator: Simulator, place: str) -> None:
    subscribe(simulator)
    [product] = simulator.list_objects("product")
    assert browser.get(f"/simulator/{place}/none").status == 404
    assert browser.get(f"/simulator/{place}/{product['id']}").status == 404


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "now"),
        (60, "in 1 minute"),
        (3600, "in 1 hour"),
        (-7200, "2 hours ago"),
        (86400, "in 24 hours"),
        (3 * 86400, "in 3 days"),
        (-31 * 86400, "31 days ago"),
        (90 * 86400, "in 3 months"),
        (3 * 365 * 86400, "in 3 years"),
    ],
)
def test_a_distance_in_words(seconds: int, words: str) -> None:
    assert distance(1_000_000_000 + seconds, 1_000_000_000) == words


def test_a_customer_has_some_name() -> None:
    assert who({"name": "Ana", "email": "a@example.com"}, "cus_1") == "Ana"
    assert who({"name": None, "email": "a@example.com"}, "cus_1") == "a@example.com"
    assert who(None, "cus_1") == "cus_1"
    assert link(None) == "–"  # noqa: RUF001


# Colours


def tones(css: str, *, dark: bool) -> dict[str, str]:
    """The colours of a style sheet's variables."""
    light, _, rest = css.partition("@media (prefers-color-scheme: dark)")
    block = rest.partition("\n}\n")[0] if dark else light
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """As WCAG 2 counts it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_on_its_background(browser: Browser, dark: bool) -> None:
    colours: dict[str, str] = {}
    for name in ("simulator", "dashboard"):
        colours |= tones(browser.get(f"/simulator/static/{name}.css").html, dark=dark)
    pairs = [
        (text, back)
        for text in ("ink", "quiet", "link", "good", "info", "warn", "bad")
        for back in ("paper", "card", "code")
    ]
    pairs += [(tone, f"{tone}-back") for tone in ("good", "info", "warn", "bad")]
    pairs += [("on-strong", "strong"), ("on-ribbon", "ribbon"), ("on-ribbon", "ribbon-stripe")]
    low = {pair: contrast(*(colours[one] for one in pair)) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
