"""What a price gives: the features and limits of `PLANS`, found by price or product."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from caixa_subscriptions.shapes import ItemFacts


@dataclass(frozen=True, slots=True)
class Plan:
    """Features by name, and limits in whole numbers or `math.inf`."""

    name: str
    features: frozenset[str]
    limits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The plans by what a subscription's item may show: price id, lookup key, product id; and the
    one of trials that began at sign-up.
    """

    by_key: Mapping[str, Plan] = field(default_factory=dict)
    of_signup_trial: Plan | None = None

    def plans_of(self, items: Iterable[ItemFacts]) -> list[Plan]:
        """The plans of a subscription's items, each once."""
        found = {}
        for item in items:
            for key in (item.price_id, item.lookup_key, item.product_id):
                plan = self.by_key.get(key) if key else None
                if plan is not None:
                    found[plan.name] = plan
                    break  # a price says more than its product
        return list(found.values())


def catalogue(
    prices: Mapping[str, Mapping[str, Any]],
    plans: Mapping[str, Mapping[str, Any]],
    trial_plan: str | None = None,
) -> Catalogue:
    """`PRICES`, `PLANS` and `TRIAL_PLAN` as one catalogue."""
    by_name = _by_name(plans)
    return Catalogue(_by_key(prices, plans, by_name), by_name.get(trial_plan or ""))


def _by_name(plans: Mapping[str, Mapping[str, Any]]) -> dict[str, Plan]:
    return {
        name: Plan(
            name,
            frozenset(plan.get("features", ())),
            {
                limit: math.inf if most is None else most
                for limit, most in plan.get("limits", {}).items()
            },
        )
        for name, plan in plans.items()
    }


def _by_key(
    prices: Mapping[str, Mapping[str, Any]],
    plans: Mapping[str, Mapping[str, Any]],
    by_name: Mapping[str, Plan],
) -> dict[str, Plan]:
    found = {
        product: by_name[name] for name in plans for product in plans[name].get("products", ())
    }
    for price in prices.values():
        if price.get("plan") in by_name:
            found[price.get("price_id") or price["lookup_key"]] = by_name[price["plan"]]
    return found
