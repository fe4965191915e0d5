"""The table of API endpoints, and the answers common to all of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.params import Spec

Params = dict[str, Any]
Handler = Callable[..., dict[str, Any]]
LIST_PARAMS = "limit starting_after ending_before"


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    template: str
    pattern: re.Pattern[str]
    handler: Handler
    spec: Spec


ROUTES: list[Route] = []
# By method and depth of the path.
ROUTES_OF: dict[tuple[str, int], list[Route]] = defaultdict(list)


def route(
    method: str,
    template: str,
    params: str | None = None,
    honours: str = "",
    *,
    tolerates: str = "",
) -> Callable[[Handler], Handler]:
    """`handler(world, params, *ids)` answers `template`, whose `{id}`s are passed in order.

    `params` names the SDK's typed params class, `honours` what of it is carried out; the rest is
    refused with `not_simulated`. `tolerates` is for what contradicts the types (see `Spec`).
    """
    pattern = re.compile(re.sub(r"\{\w+\}", "([^/]+)", template))

    def register(handler: Handler) -> Handler:
        one = Route(method, template, pattern, handler, Spec(params, honours, tolerates))
        ROUTES.append(one)
        ROUTES_OF[method, template.count("/")].append(one)
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The route and the ids of a path, which are escaped in it as the SDK does: a plus is a
    space, and a slash of an id none of the path's."""
    # `/v1/customers/search` before `/v1/customers/{customer}`.
    for one in sorted(
        ROUTES_OF.get((method, path.count("/")), []), key=lambda one: one.template.count("{")
    ):
        if match := one.pattern.fullmatch(path):
            return one, tuple(unquote_plus(found) for found in match.groups())
    raise StripeError(
        404,
        f"Unrecognized request URL ({method}: {path}). Either Stripe has no such endpoint, or "
        "the simulator does not have it yet.",
    )


def check_page(params: Params) -> int:
    """The limit of a page; raises StripeError for one that is none, or for two cursors."""
    limit: int = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid(
            "This value must be less than or equal to 100 and greater than or equal to 1.", "limit"
        )
    if params.get("starting_after") and params.get("ending_before"):
        raise invalid("Only one of starting_after and ending_before may be given.")
    return limit


def no_such_cursor(params: Params) -> StripeError:
    param = "starting_after" if params.get("starting_after") else "ending_before"
    message = f"No such object: '{params[param]}'"
    return StripeError(400, message, code="resource_missing", param=param)


def list_page(found: list[dict[str, Any]], params: Params, url: str) -> dict[str, Any]:
    """One page of objects that are at hand, in their order (Stripe docs: pagination)."""
    limit = check_page(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    if not (after or before):
        chosen = found
    else:
        cursor = after or before
        position = next((i for i, one in enumerate(found) if one["id"] == cursor), None)
        if position is None:
            raise no_such_cursor(params)
        if before:
            chosen = found[max(position - limit, 0) : position]
            return {
                "object": "list",
                "data": chosen,
                "has_more": position > limit,
                "url": url,
            }
        chosen = found[position + 1 :]
    return {
        "object": "list",
        "data": chosen[:limit],
        "has_more": len(chosen) > limit,
        "url": url,
    }
