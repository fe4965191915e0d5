"""A visit to the portal, and what its pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator import portal
from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.lifecycle import ENDED
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import page
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    is_web_url,
    redirect_response,
)
from caixa_subscriptions.simulator.world import World

RETURN = "Return to the app"


@dataclass(frozen=True, slots=True)
class Visit:
    """An open link: its session, and the configuration that session follows.

    `flow` is the only thing the link is for; None when it leads to the homepage, also when that
    comes after the flow. `is_done` of a flow that ends elsewhere.
    """

    simulator: Simulator
    token: str
    session: Mapping[str, Any]
    configuration: Mapping[str, Any]
    flow: Mapping[str, Any] | None
    is_done: bool

    @property
    def features(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.configuration["features"]
        return found

    @property
    def customer(self) -> Mapping[str, Any]:
        return self.simulator.get_object(self.session["customer"]) or {}

    @property
    def destination(self) -> str | None:
        """Where the flow redirects to, if it does."""
        found: str | None = None
        if self.flow and self.flow["after_completion"]["redirect"]:
            found = self.flow["after_completion"]["redirect"]["return_url"]
        return found if is_web_url(found) else None

    def url(self, *parts: str) -> str:
        return "/".join(("/simulator/portal", self.token, *parts))

    def offers(self, feature: str) -> bool:
        return bool(self.features[feature]["enabled"])

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        """One of the customer's own that has not ended; raises PageError 404 for any other."""
        found = self.simulator.get_object(subscription_id)
        if (
            found is None
            or found["object"] != "subscription"
            or found["customer"] != self.session["customer"]
            or found["status"] in ENDED
        ):
            raise PageError(
                404,
                "Subscription not found",
                "There is no such subscription here.",
                link=return_link(self.session["return_url"]),
            )
        return found

    def act(self, deed: Callable[[World], object]) -> PageResponse:
        """One transaction, and then on; raises StripeError for what is refused."""
        with self.simulator.deed() as world:
            deed(world)
            if self.flow:
                portal.end_flow(world, self.session["id"])
        return redirect_response(self.destination or self.url())


def open_visit(simulator: Simulator, token: str) -> Visit:
    """Raises PageError: 404 for a link that never was, 410 for one that is over."""
    try:
        session = simulator.get_portal_session(token)
        with simulator.deed() as world:
            configuration = portal.configuration_of(world, session)
            is_done = "_flow_done" in (portal.find_session(world, token) or {})
    except StripeError as error:
        raise _dead_link(simulator, token) from error
    flow = session["flow"]
    if is_done and flow["after_completion"]["type"] == "portal_homepage":
        flow, is_done = None, False
    return Visit(simulator, token, session, configuration, flow, is_done)


def _dead_link(simulator: Simulator, token: str) -> PageError:
    with simulator.deed() as world:
        session = portal.find_session(world, token)
    return PageError(
        410 if session else 404,
        "Link expired",
        "This link to the customer portal is not valid any more. Go back to the app and open "
        "the portal again from there.",
        link=return_link(session["return_url"] if session else None),
    )


def return_link(url: str | None) -> tuple[str, str] | None:
    return (url, RETURN) if url is not None and is_web_url(url) else None


def asked(form: Mapping[str, str]) -> str:
    """The subscription a form is about; raises PageError 400."""
    try:
        return form["subscription"]
    except KeyError:
        raise PageError(400, "Bad request", "The form does not name a subscription.") from None


def back(visit: Visit) -> Html | None:
    """The link to the app, where there is one."""
    link = return_link(visit.session["return_url"])
    return link and fill('<a class="back" href="{url}">← {text}</a>', url=link[0], text=link[1])


def show_step(visit: Visit, title: str, *parts: Html | None, status: int = 200) -> PageResponse:
    """One thing to be done, without the rest of the portal."""
    body = fill(
        '{back}<h1>{title}</h1>\n<section class="card step">{parts}</section>',
        back=back(visit),
        title=title,
        parts=list(parts),
    )
    return page(title=title, body=body, status=status, form_targets=[visit.destination or ""])


def leave(visit: Visit, text: str = "Go back", *, back_a_step: bool = False) -> Html | None:
    """The way out of a step without doing it: to the homepage, or of a flow to the app."""
    url = visit.url() if visit.flow is None or back_a_step else visit.session["return_url"]
    if url is None or not (is_web_url(url) or url == visit.url()):
        return None
    return fill('<a class="button" href="{url}">{text}</a>', url=url, text=text)
