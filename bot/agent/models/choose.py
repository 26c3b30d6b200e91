"""Models by name: of providers, chains of them, scripts, and programs that are registered at the start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic_ai import exceptions as ai
from pydantic_ai.models import Model, infer_model

from bot.agent.models.calls import ModelCall, RetryPolicy
from bot.agent.models.chain import ModelChain
from bot.agent.models.direct import DirectCall
from bot.agent.models.scripted import load_script
from bot.errors import UserError

_SCRIPTED = "scripted:"
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistry:
    """``programs`` are models without a provider, by name: each is made by calling its value."""

    programs: Mapping[str, Callable[[], Model]] = field(default_factory=dict)

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
                    raise UserError(f"{each} cannot take over from another model; leave it out of {name!r}")
            return ModelChain([self.choose(each, retry_policy=policy) for each in names])
        if name in self.programs:
            return DirectCall(name, self.programs[name](), retry_policy=policy, streamed=False, metered=False)
        if name.startswith(_SCRIPTED):
            script = load_script(name.removeprefix(_SCRIPTED))
            return DirectCall(name, script, retry_policy=policy, streamed=False)
        return DirectCall(name, _infer_model(name, self.programs), retry_policy=policy, streamed=True)


def _infer_model(name: str, programs: Iterable[str]) -> Model:
    """The provider's model. Raises ``UserError`` that says what is missing or misspelt."""
    try:
        return infer_model(name)
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
