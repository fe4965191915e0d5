"""The offered prices as the pages show them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from caixa_subscriptions.prices import OfferedPrice, offered_prices
from example_project.reports.money import format_money


@dataclass(frozen=True, slots=True)
class Plan:
    """`price` and `per` read together: "$9.00" "per month"."""

    name: str
    title: str
    price_id: str
    price: str
    per: str
    note: str
    saving_percent: int


def plans() -> list[Plan]:
    """In the order of the settings. One SQL."""
    offers = offered_prices()
    return [_plan(offer, offers) for offer in offers]


def find_plan(price_id: str | None) -> Plan | None:
    return next((plan for plan in plans() if plan.price_id == price_id), None)


def _plan(offer: OfferedPrice, offers: list[OfferedPrice]) -> Plan:
    return Plan(
        name=offer.name,
        title=_title(offer),
        price_id=offer.price_id,
        price=format_money(offer.unit_amount, offer.currency),
        per=_per(offer),
        note=_note(offer),
        saving_percent=_saving_percent(offer, offers),
    )


def _title(offer: OfferedPrice) -> str:
    if offer.interval_count == 1:
        match offer.interval:
            case "month":
                return _("Monthly")
            case "year":
                return _("Yearly")
    return offer.product_name


def _per(offer: OfferedPrice) -> str:
    count = offer.interval_count
    values = {"count": count}
    match offer.interval:
        case "day":
            return ngettext("per day", "every %(count)s days", count) % values
        case "week":
            return ngettext("per week", "every %(count)s weeks", count) % values
        case "month":
            return ngettext("per month", "every %(count)s months", count) % values
        case _:
            return ngettext("per year", "every %(count)s years", count) % values


def _note(offer: OfferedPrice) -> str:
    if offer.interval == "year" and offer.interval_count == 1 and offer.unit_amount is not None:
        monthly = format_money(round(offer.unit_amount / 12), offer.currency)
        return _("That is %(price)s per month, billed once a year.") % {"price": monthly}
    return _("Billed as you go. Cancel whenever you like.")


def _saving_percent(offer: OfferedPrice, offers: list[OfferedPrice]) -> int:
    """What a year costs less than twelve of the same product's monthly payments, rounded down."""
    if offer.interval != "year" or offer.interval_count != 1 or offer.unit_amount is None:
        return 0
    monthly = next(
        (
            other.unit_amount
            for other in offers
            if (other.interval, other.interval_count) == ("month", 1)
            and (other.currency, other.product_name) == (offer.currency, offer.product_name)
            and other.unit_amount
        ),
        None,
    )
    if not monthly:
        return 0
    return max(0, int(100 - offer.unit_amount * 100 / (monthly * 12)))
