"""API calls: who may call, what was asked before, carried out or undone, answered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from caixa_subscriptions.simulator import answers, expand, faults, keys, routes, versions
from caixa_subscriptions.simulator.answers import Response
from caixa_subscriptions.simulator.errors import ExecutedCardError, StripeError
from caixa_subscriptions.simulator.limits import Limits
from caixa_subscriptions.simulator.objects import API_VERSION
from caixa_subscriptions.simulator.params import require_unicode
from caixa_subscriptions.simulator.store import Store
from caixa_subscriptions.simulator.world import Caller, World


class ApiCalls:
    """Answers them one by one, each in the transaction of whoever asks."""

    def __init__(self, store: Store, world: World, disturbed: faults.Faults) -> None:
        self._store = store
        self._world = world
        self._faults = disturbed
        self._limits = Limits()

    def answer(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        named: Mapping[str, str],
        base_url: str,
        conflict: StripeError | None,
    ) -> Response:
        """`conflict` is the error of a call whose idempotency key is in use."""
        key = named.get("idempotency-key") if method == "POST" else None
        version = named.get("stripe-version", API_VERSION)
        request_id = self._world.ids.new("request")
        try:
            require_unicode(path, params, *named.values())
        except StripeError as error:  # whose headers cannot be repeated either
            return Response(error.status, {"Request-Id": request_id}, error.body(request_id))
        headers = {"Request-Id": request_id, "Stripe-Version": version}
        if method == "POST":
            headers |= {"Original-Request": request_id}
        if method != "GET" and "idempotency-key" in named:  # of a DELETE it is only repeated
            headers |= {"Idempotency-Key": named["idempotency-key"]}
        try:
            keys.authenticate(named)
            versions.checked(version)
            if self._world.option("rate_limits"):
                self._limits.check(path, self._world.wall())
            self._faults.refuse(method, path, key)
            if conflict:
                raise conflict
            call = answers.fingerprint(method, path, params)
            now = self._world.wall()
            replayed = answers.kept(self._store, key, call, now=now) if key else None
        except StripeError as error:
            return Response(error.status, headers | error.headers, error.body(request_id))
        if replayed:
            return replayed
        broken = self._faults.take("break", method, path)
        if broken is None or broken.committed:
            caller = Caller(request_id, key, base_url, version)
            status, body, executed = self._execute(method, path, params, caller)
        if broken:
            failure = broken.error()
            status, body, executed = failure.status, failure.body(request_id), True
        if method == "POST" and executed:
            headers["Stripe-Should-Retry"] = "false"
        if broken:
            headers |= failure.headers
        if key and executed:
            answers.keep(self._store, key, call, Response(status, headers, body), now=now)
        return Response(status, headers, body)

    def _execute(
        self, method: str, path: str, params: Mapping[str, Any], caller: Caller
    ) -> tuple[int, dict[str, Any], bool]:
        """Status, body, and whether the call was executed at all."""
        world = self._world
        self._store.execute("savepoint call")
        world.caller = caller
        try:
            route, ids = routes.find(method, path)
            cleaned = route.spec.clean(versions.incoming(path, params, caller.api_version))
            paths = cleaned.pop("expand", [])
            answer = route.handler(world, cleaned, *ids)
            body = expand.render(world, answer, paths)
            versions.shaped(body, caller.api_version, partial(expand.coupon_of, self._store))
        except StripeError as error:
            if not isinstance(error, ExecutedCardError):
                self._store.execute("rollback to call")
            return error.status, error.body(caller.request_id or ""), error.executed
        finally:
            self._store.release("call")
            world.caller = Caller()
        return 200, body, True
