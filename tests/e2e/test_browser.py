"""The same walk in a browser, at the width of a phone and of a desk, with screenshots.

`SCREENSHOTS_DIR=docs/_static/walk` keeps the pictures for the documentation.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.conftest import Demo

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
]

WIDTHS = {390: 844, 1280: 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS_DIR") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def look(page: Page, folder: Path, name: str, width: int) -> None:
    """A screenshot, and that the page fits."""
    page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    fits(page, width)


def fits(page: Page, width: int) -> None:
    """What can be said of any good page: nothing sticks out, one heading."""
    page.wait_for_load_state()  # with its style sheet
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("h1")).to_have_count(1)


@pytest.mark.parametrize("width", list(WIDTHS))
def test_the_walk(browser: Browser, demo: Demo, folder: Path, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]}, locale="en", reduced_motion="reduce"
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    page.goto(demo.url)
    page.get_by_role("link", name=re.compile("trial", re.IGNORECASE)).first.click()
    page.get_by_label("E-mail").fill(f"browser{width}-{os.getpid()}@example.com")
    for field in page.get_by_label(re.compile("password", re.IGNORECASE)).all():
        field.fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    expect(page).to_have_url(re.compile("/pricing/"))
    look(page, folder, "pricing", width)

    page.goto(demo.url + "/dashboard/")
    expect(page).to_have_url(re.compile(r"/pricing/\?reason=subscription_required&next="))
    look(page, folder, "paywall", width)

    page.get_by_role("button", name=re.compile("trial", re.IGNORECASE)).first.click()
    expect(page).to_have_url(re.compile("/simulator/checkout/cs_test_"))
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    look(page, folder, "checkout", width)
    page.get_by_label("Card number").fill("4000 0000 0000 0002")
    page.get_by_role("button", name="Start trial").click()
    expect(page.get_by_text("Your card was declined.")).to_be_visible()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Card number").press("Enter")
    expect(page).to_have_url(re.compile(r"/billing/success/\?.*session_id=cs_test_"))
    look(page, folder, "success", width)

    page.goto(demo.url + "/dashboard/")
    look(page, folder, "dashboard", width)

    page.goto(demo.url + "/billing/")
    look(page, folder, "billing", width)
    page.get_by_role("button", name="Manage subscription").click()
    expect(page).to_have_url(re.compile("/simulator/portal/"))
    look(page, folder, "portal", width)
    page.get_by_role("button", name="Cancel subscription").click()
    expect(page.get_by_role("button", name="Renew subscription")).to_be_visible()
    page.get_by_role("button", name="Renew subscription").click()
    page.get_by_role("button", name="Cancel subscription").click()
    expect(page.get_by_role("button", name="Renew subscription")).to_be_visible()

    page.goto(demo.url + "/simulator/")
    look(page, folder, "clock", width)
    page.get_by_role("button", name="8 days").first.click()
    expect(page.get_by_text(re.compile("ready", re.IGNORECASE)).first).to_be_visible()

    # The webhook of the cancellation may take a moment; the clock itself closes the gate at once.
    page.goto(demo.url + "/dashboard/")
    expect(page).to_have_url(re.compile(r"reason=subscription_canceled"))
    expect(page.get_by_role("button", name=re.compile("trial", re.IGNORECASE))).to_have_count(0)
    look(page, folder, "paywall-canceled", width)
    assert errors == []
    # Nothing above needed a script: the pages have none.
    assert page.locator("script").count() == 0
    context.close()


@pytest.mark.parametrize("width", list(WIDTHS))
def test_the_simulators_dashboard(browser: Browser, demo: Demo, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": WIDTHS[width]}, color_scheme="dark")
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(demo.url + "/simulator/")
    places = page.get_by_role("navigation", name="Simulator").get_by_role("link")
    for name in places.all_inner_texts():
        places.get_by_text(name, exact=True).click()
        expect(page.locator("nav [aria-current=page]")).to_have_text(name)
        fits(page, width)
    page.get_by_label("Search").fill("evt_")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Results for evt_")
    fits(page, width)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("group", name="Payload")).to_be_visible()
    fits(page, width)
    assert refused == []  # by the Content-Security-Policy
    page.close()


def test_everything_can_be_reached_by_keyboard(browser: Browser, demo: Demo) -> None:
    page = browser.new_page(locale="en")
    page.goto(demo.url + "/pricing/")
    wanted = page.locator("a:visible, button:visible, input:visible:not([type=hidden])").count()
    reached = set()
    for _press in range(wanted + 5):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "[...document.querySelectorAll('a,button,input')].indexOf(document.activeElement)"
            )
        )
    reached.discard(-1)
    assert len(reached) >= wanted
    page.close()


def test_the_pages_speak_portuguese(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(locale="pt-BR")
    page = context.new_page()
    page.goto(demo.url + "/pricing/")
    assert page.locator("html").get_attribute("lang") == "pt-br"
    expect(page.locator("h1")).not_to_have_text("One product, two ways to pay")
    context.close()
