"""The search endpoints: one for each kind that `searching.FIELDS` knows."""

from __future__ import annotations

import base64
from typing import Any

from caixa_subscriptions.simulator import searching
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.routes import Handler, Params, check_page, route
from caixa_subscriptions.simulator.world import World

DELAY = "search_delay"  # seconds, in the store

# An object can be found so long after the first event about it.
_TOLD = (
    "coalesce((select min(json_extract(unpacked(told.data), '$._stored')) from objects told "
    "where told.kind = 'event' and told.about = objects.id), 0) <= ?"
)


def _search(kind: str, url: str) -> Handler:
    def search(world: World, params: Params) -> dict[str, Any]:
        query = searching.parse(kind, params["query"])
        limit = check_page(params)
        start = _start(params.get("page"))
        found = [one for one in _searchable(world, kind) if query.matches(one)]
        has_more = len(found) > start + limit
        return {
            "object": "search_result",
            "data": found[start : start + limit],
            "has_more": has_more,
            "next_page": _page(start + limit) if has_more else None,
            "url": url,
        }

    return search


def _searchable(world: World, kind: str) -> list[dict[str, Any]]:
    """Newest first; those of test clocks too, since no document says otherwise."""
    if not (delay := int(world.store.get_meta(DELAY) or 0)):
        return world.store.all(kind)
    known = (_TOLD, world.wall() - delay)
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"has_more": True}
    while page["has_more"]:
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = stored_page(world, kind, {"limit": 100, **after}, "", "", known)
        found += page["data"]
    return found


def _page(start: int) -> str:
    return base64.urlsafe_b64encode(f"page:{start}".encode()).decode()


def _start(page: str | None) -> int:
    if page is None:
        return 0
    try:
        name, _, start = base64.urlsafe_b64decode(page).decode().partition(":")
        if name == "page":
            return int(start)
    except ValueError:
        pass
    raise invalid("Invalid page token", "page")


for _kind in searching.FIELDS:
    _url = f"/v1/{_kind}s/search"
    _params = "".join(word.title() for word in _kind.split("_")) + "SearchParams"
    route("GET", _url, _params, "limit page query")(_search(_kind, _url))
