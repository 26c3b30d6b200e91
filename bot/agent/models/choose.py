"""Models by name: of providers, chains of them, scripts, and programs that are registered at the start."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from pydantic_ai import exceptions as ai
from pydantic_ai.models import Model, infer_model

from bot.agent.models.calls import ModelCall, ModelTry, RetryPolicy
from bot.agent.models.chain import ModelChain
from bot.agent.models.direct import DirectCall
from bot.agent.models.scripted import load_script
from bot.errors import UserError

LOCAL_SILENCE = 900.0  # seconds until the first event of a model on one's own machines
ANSWER_PER_SILENCE = 4.0  # how much longer a whole answer may take than its beginning
EVERY_PROVIDER = ""  # key of ``first_event_seconds``

_SCRIPTED = "scripted:"
_LOCAL_PROVIDERS = frozenset({"ollama", "vllm"})
_LOCAL_NAMES = (".local", ".internal", ".lan", ".localhost")
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistry:
    """``programs`` are models without a provider, by name: each is made by calling its value.

    ``first_event_seconds`` says by provider how long an answer may take to begin, ``windows`` how many tokens
    its model takes; ``EVERY_PROVIDER`` is for those that they do not name. Where it says nothing, local
    models get ``LOCAL_SILENCE``. ``observe`` is called with every try of a call to any of them.
    """

    programs: Mapping[str, Callable[[], Model]] = field(default_factory=dict)
    first_event_seconds: Mapping[str, float] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)
    observe: Callable[[ModelTry], None] | None = None

    def choose(self, name: str, *, retry_policy: RetryPolicy | None = None) -> ModelCall:
        """The model of that name, ready to be asked; make one for each run and close it.

        ``a,b,c`` asks ``a``, and when it stays down ``b`` for the rest of the run, then ``c``. The name of a
        program is that program, ``scripted:FILE`` plays a file (see ``bot.agent.models.scripted``),
        everything else is ``provider:model`` as pydantic-ai knows it, with keys and base URLs from the
        provider's own environment variables. Raises ``UserError`` naming what is missing.
        """
        policy = retry_policy or RetryPolicy()
        if "," in name:
            names = [each.strip() for each in name.split(",")]
            for each in names:
                if each in self.programs:
                    raise UserError(
                        f"HOB_MODEL (or `model` in .github/hob.yml) is {name!r}: {each} cannot take over "
                        "from another model; leave it out"
                    )
            return ModelChain([self.choose(each, retry_policy=retry_policy) for each in names])
        if name in self.programs:
            program = self.programs[name]()
            return DirectCall(
                name, program, retry_policy=policy, streamed=False, metered=False, observe=self.observe
            )
        if name.startswith(_SCRIPTED):
            script = load_script(name.removeprefix(_SCRIPTED))
            return DirectCall(name, script, retry_policy=policy, streamed=False, observe=self.observe)
        model = _infer_model(name, self.programs)
        if retry_policy is None:
            policy = choose_retry_policy(name, model, self.first_event_seconds)
        return DirectCall(
            name,
            model,
            retry_policy=policy,
            streamed=True,
            window=self.windows.get(name.partition(":")[0], self.windows.get(EVERY_PROVIDER)),
            local=is_local(name, model.base_url),
            observe=self.observe,
        )


def choose_retry_policy(name: str, model: Model, first_event_seconds: Mapping[str, float]) -> RetryPolicy:
    """How long to wait for the model called ``name``: a local one longer, and it is not asked twice.

    ``first_event_seconds`` is as ``ModelRegistry`` has it.
    """
    policy, local = RetryPolicy(), is_local(name, model.base_url)
    silence = first_event_seconds.get(
        name.partition(":")[0],
        first_event_seconds.get(EVERY_PROVIDER, LOCAL_SILENCE if local else policy.silence),
    )
    return replace(
        policy,
        repeats_after_timeout=0 if local else policy.repeats_after_timeout,
        silence=silence,
        answer=max(policy.answer, ANSWER_PER_SILENCE * silence),
    )


def is_local(name: str, base_url: str | None) -> bool:
    """Whether the operator runs the model: judged by its provider, or by its server's address."""
    if name.partition(":")[0] in _LOCAL_PROVIDERS:
        return True
    host = urlsplit(base_url or "").hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_LOCAL_NAMES))


def _infer_model(name: str, programs: Iterable[str]) -> Model:
    """The provider's model. Raises ``UserError`` that says what is missing or misspelt."""
    try:
        model = infer_model(name)
    except ai.UserError as error:
        if name.partition(":")[1] and (variables := _VARIABLE.findall(error.message)):
            raise UserError(
                f"The model {name!r} needs {variables[0]} in the environment of the worker"
            ) from error
        raise UserError(
            f"HOB_MODEL (or `model` in .github/hob.yml) is {name!r}: {error.message}. Write "
            f"{', '.join(programs)}, or "
            "provider:model such as anthropic:NAME or openai-chat:NAME (OPENAI_BASE_URL: any like server)"
        ) from error
    except ImportError as error:
        raise UserError(f"The model {name!r} needs a package that is not installed: {error}") from error
    if "pydantic_ai.models.openai" in sys.modules:
        from bot.agent.models.chat_stream import make_lenient  # imports its adapter, which costs a second

        model = make_lenient(model)
    return model
