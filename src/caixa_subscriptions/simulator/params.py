"""Request parameters: form decoding, and validation against the SDK's own typed params."""

from __future__ import annotations

import importlib
import json
import re
import types
import typing
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from caixa_subscriptions.simulator.errors import StripeError, invalid, missing_param, not_simulated

_KEY = re.compile(r"\[([^\[\]]*)\]")
_OPTIONS = frozenset(RequestOptions.__annotations__)
_INTEGER = re.compile(r"-?[0-9]{1,12}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
# Of amounts, quantities and times: beyond it there are no dates, the year is 9892.
MAX_INTEGER = 250_000_000_000
MAX_METADATA = 50
MAX_DEPTH = 10


def require_unicode(*given: Any) -> None:
    """Raises StripeError for text with half of a surrogate pair, which no UTF-8 can carry."""
    try:
        json.dumps(given, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise invalid("Invalid request: the text is not valid Unicode.") from None


def decode_form(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0][c]=1` and `a[]=1` to nested dicts, values still strings.

    Lists stay dicts keyed by their indexes: `metadata[0]` is none. Raises StripeError for names
    that contradict each other or nest too deeply.
    """
    root: dict[str, Any] = {}
    for name, value in pairs:
        head = name.split("[", 1)[0]
        steps = [head, *_KEY.findall(name)]
        if len(steps) > MAX_DEPTH:
            raise invalid(f"Invalid {head}: nested too deeply", head)
        node = root
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            key = str(len(node)) if step == "" and node is not root else step
            if following is None:
                node[key] = value
            else:
                child = node.setdefault(key, {})
                if not isinstance(child, dict):
                    raise invalid(f"Invalid {head}", head)
                node = child
    return root


def _as_list(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping) and all(re.fullmatch("[0-9]{1,9}", key) for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return None


@cache
def fields(params_class: type) -> dict[str, tuple[Any, bool]]:
    """Of a typed params class: name -> (type, required)."""
    namespace = vars(importlib.import_module(params_class.__module__)) | vars(typing)
    found = {}
    for name, annotation in params_class.__annotations__.items():
        if name in _OPTIONS:
            continue
        hint, required = _resolve(annotation, namespace), True
        if get_origin(hint) is NotRequired:
            (hint,), required = get_args(hint), False
        elif get_origin(hint) is Required:
            (hint,) = get_args(hint)
        found[name] = (_resolve(hint, namespace), required)
    return found


def _resolve(hint: Any, namespace: dict[str, Any]) -> Any:
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        hint = eval(hint, namespace)  # noqa: S307  the SDK's own annotation
    origin = get_origin(hint)
    if origin is NotRequired or origin is Required:
        return origin[_resolve(get_args(hint)[0], namespace)]
    if origin is list:
        return list[_resolve(get_args(hint)[0], namespace)]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return Union[tuple(_resolve(arg, namespace) for arg in get_args(hint))]  # noqa: UP007
    return hint


def params_class(name: str) -> type:
    """`CustomerCreateParams`, or `checkout.SessionCreateParams`."""
    module, _, class_name = name.rpartition(".")
    found = getattr(importlib.import_module(f"stripe.params.{module}".rstrip(".")), class_name)
    return typing.cast(type, found)


class Spec:
    """What an endpoint takes: the SDK's params class, and which of it we honour.

    `honours` names parameters, `items.price` for a nested one; naming `items` alone honours all
    of it, and `*` everything. Anything else Stripe would take is refused with `not_simulated`.
    `tolerates` names what callers send without the SDK's types knowing it, or leave out though
    the types require it; a name with `[]` is a list.
    """

    def __init__(self, class_name: str | None, honours: str, tolerates: str = "") -> None:
        self.class_name = class_name
        self.tolerates = tolerates.split()
        self.honours = frozenset(honours.split()) | {"expand"}
        self.parents = {name.split(".")[0] for name in self.honours}

    def clean(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Checked and typed; raises Stripe's errors."""
        return self._clean(params, self.known(), path="", dotted="")

    def known(self) -> dict[str, tuple[Any, bool]]:
        """What Stripe takes here: name -> (type, required)."""
        known: dict[str, tuple[Any, bool]] = {"expand": (list[str], False)}
        if self.class_name:
            known |= fields(params_class(self.class_name))
        for name in self.tolerates:
            hint: Any = list[str] if name.endswith("[]") else str
            name = name.removesuffix("[]")
            known[name] = (known.get(name, (hint,))[0], False)
        return known

    def _clean(
        self, params: Mapping[str, Any], known: dict[str, tuple[Any, bool]], path: str, dotted: str
    ) -> dict[str, Any]:
        cleaned = {}
        for name, value in params.items():
            if value is None:  # as the SDK does, which sends an empty string to unset
                continue
            param = f"{path}[{name}]" if path else name
            if name not in known:
                raise StripeError(
                    400,
                    f"Received unknown parameter: {param}",
                    code="parameter_unknown",
                    param=param,
                )
            dotted_name = f"{dotted}.{name}" if dotted else name
            if not (self.carries_out(dotted_name) or self.carries_out_part(dotted_name)):
                raise not_simulated(param)
            cleaned[name] = self._coerce(value, known[name][0], param, dotted_name)
        for name, (_hint, required) in known.items():
            if required and name not in cleaned:
                param = f"{path}[{name}]" if path else name
                raise missing_param(param)
        return cleaned

    def carries_out(self, dotted: str) -> bool:
        """Whether a parameter is honoured with all that is in it."""
        parts = dotted.split(".")
        ancestors = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        return "*" in self.honours or bool(ancestors & self.honours)

    def carries_out_part(self, dotted: str) -> bool:
        """Whether something inside a parameter is honoured."""
        return any(name.startswith(dotted + ".") for name in self.honours)

    def _coerce(self, value: Any, hint: Any, param: str, dotted: str) -> Any:
        options = list(get_args(hint)) if get_origin(hint) is Union else [hint]
        literals = [
            choice
            for option in options
            if get_origin(option) is Literal
            for choice in get_args(option)
        ]
        if value == "" and ("" in literals or (str in options and not literals)):
            return ""
        if value in literals and isinstance(value, str):
            return value
        for option in options:
            if is_typeddict(option) and isinstance(value, Mapping):
                return self._clean(value, fields(option), path=param, dotted=dotted)
            if get_origin(option) is list and (listed := _as_list(value)) is not None:
                (inner,) = get_args(option)
                return [
                    self._coerce(item, inner, f"{param}[{index}]", dotted)
                    for index, item in enumerate(listed)
                ]
            if get_origin(option) is dict and isinstance(value, Mapping):
                return metadata(value) if dotted.endswith("metadata") else dict(value)
        if any(get_origin(option) is list for option in options):
            raise invalid("Invalid array", param)
        if isinstance(value, Mapping | list):
            raise invalid(f"Invalid {'hash' if isinstance(value, Mapping) else 'array'}", param)
        return _scalar(value, options, literals, param)


def _scalar(value: Any, options: list[Any], literals: list[Any], param: str) -> Any:
    text = _text(value)
    if bool in options and text in ("true", "false"):
        return text == "true"
    if int in options and _INTEGER.fullmatch(text) and abs(int(text)) <= MAX_INTEGER:
        return int(text)
    if (float in options or Decimal in options) and _DECIMAL.fullmatch(text):
        return text if Decimal in options else float(text)
    named = [choice for choice in literals if choice]
    if (str in options and not named) or Any in options:
        return text
    if named:  # the SDK leaves them open for later versions of the API, Stripe does not
        choices = ", ".join(named[:-1]) + (" or " if len(named) > 1 else "") + named[-1]
        raise invalid(f"Invalid {param}: must be one of {choices}", param)
    kind = "integer" if int in options else "boolean" if bool in options else "object"
    raise StripeError(
        400,
        f"Invalid {kind}: {text}",
        param=param,
        code="parameter_invalid_integer" if kind == "integer" else None,
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def metadata(given: Mapping[str, Any]) -> dict[str, str]:
    """Stripe docs: metadata. At most 50 keys of 40 characters, values of 500."""
    for key, value in given.items():
        if len(key) > 40 or "[" in key or "]" in key:
            raise invalid(
                "Metadata keys must be at most 40 characters, without brackets.", "metadata"
            )
        if isinstance(value, Mapping | list):
            raise invalid("Metadata values must be strings.", f"metadata[{key}]")
        if len(_text(value)) > 500:
            raise invalid("Metadata values must be at most 500 characters.", f"metadata[{key}]")
    return {key: _text(value) for key, value in given.items() if value is not None}


def merge_metadata(old: dict[str, str], given: Any) -> dict[str, str]:
    """An empty value deletes its key, an empty `metadata` all of them."""
    if given is None:
        return old
    if given == "":
        return {}
    merged = {key: value for key, value in (old | given).items() if value != ""}
    if len(merged) > MAX_METADATA:
        raise invalid(f"Metadata can have at most {MAX_METADATA} keys.", "metadata")
    return merged
