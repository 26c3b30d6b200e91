"""The loop between a model and a sandbox: ask, execute the calls, send their results, until it ends.

Limits are checked before each call to the model; when one is reached, the outcome holds what exists and says
so. When the context fills, earlier turns are summarized (``bot.agent.compaction``); otherwise the
conversation is only appended to. A turn is stored as soon as it is over, so a killed worker loses at most
one. ``Cancelled``, ``LeaseLost``, ``Parked`` and ``UserError`` pass through to the caller.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.tools import ToolDefinition

from bot.agent import prompt
from bot.agent.background_commands import BackgroundCommands
from bot.agent.context_sizes import FULL_WINDOW, choose_sizes, fit_brief
from bot.agent.conversation import Conversation
from bot.agent.journal import Journal
from bot.agent.limits import Meter
from bot.agent.models.calls import ModelAnswer, ModelCall
from bot.agent.models.provider_errors import ContextFull
from bot.agent.tools.context import ExecutedCall, Finish, RunChecks, ToolContext
from bot.agent.tools.registry import execute_call, list_definitions, list_short_definitions
from bot.agent.transcript import load_arguments, load_past, make_record
from bot.domain import Brief, Limits, Outcome, OutcomeKind, PromptText, Trust
from bot.errors import Cancelled
from bot.injection.score import score_texts
from bot.trace import span
from sandbox.spec import Sandbox

__all__ = ["Journal", "run_loop"]

MALFORMED_IN_A_ROW = 5  # turns in which no call could be understood
SILENT_IN_A_ROW = 3  # answers without any call

NUDGE = (
    "You called no tool, so nothing happened. Go on by calling tools; when the work is over, or cannot "
    "be done, call finish."
)
RESUMED = (
    "The work was interrupted here and goes on now. The workspace holds your changes as they were after your "
    "last turn, but not what git ignores (builds, caches, installed packages) nor /tmp: make again what you "
    "need of those. Kept outputs are gone, and so is every command that ran in the background."
)
LEAST_WINDOW = 4000  # tokens: below, nothing useful fits
WHERE_CHARS = 120  # of a call, to name it by
CUT_OFF = "Your answer was cut at its maximum length: make smaller calls"


async def run_loop(
    *,
    brief: Brief,
    model: ModelCall,
    sandbox: Sandbox,
    limits: Limits,
    journal: Journal,
    history: Sequence[Mapping[str, Any]] = (),
    run_checks: RunChecks | None = None,
    system_prompt: str = "",
) -> Outcome:
    """Work on ``brief`` until the model finishes, gives up, or a limit is reached.

    ``history`` is the records that an interrupted run gave to ``journal.store_turn``, in order: the work
    goes on after the last one, in a sandbox that holds what it held then. ``run_checks`` runs the checks on
    what the sandbox holds, as the proof will; without it the tool ``check`` says that it cannot.
    ``system_prompt`` stands in for the one that is shipped.

    Raises what ``journal`` raises to end the run, ``Parked`` when the model stays down, and ``UserError``
    when it cannot be asked at all.
    """
    async with AsyncExitStack() as at_end:
        background = BackgroundCommands(sandbox, resumed=bool(history))
        at_end.push_async_callback(background.stop_all)
        before = load_past(history)
        meter = Meter(limits, before.used)
        nearby = [each for each in brief.nearby if each.where not in before.guided]
        context = ToolContext(
            sandbox,
            seconds_left=lambda: meter.seconds_left,
            nearby=nearby,
            answerable=brief.answerable,
            run_checks=run_checks,
            background=background,
        )
        context.plan, context.notes, context.replies = before.plan, list(before.notes), list(before.replies)
        context.finish, context.edited = before.finish, before.edited
        await context.suspect([*before.suspicions, *brief.suspicions])
        await _suspect_quoted(context, brief.texts)
        if context.finish:  # it ended, and the worker died before the end was stored
            return _end_finished(context, context.finish, meter)
        await model.open()
        window = most = model.window
        sizes, tools = choose_sizes(window), _list_tools(brief, window)
        conversation = Conversation(before.messages, history)
        missed = await journal.read_steering() if history and not meter.find_reached_limit() else []
        conversation.append(
            _make_resume_message(missed) if history else _make_opening(brief, system_prompt, window)
        )
        seq, silent, malformed = before.turns, 0, 0

        while True:
            if reached := meter.find_reached_limit():
                return _end_stopped(context, meter, reached)
            start = time.monotonic()
            if min(model.window, most) != window:  # another model of the chain, or a refusal named it
                window = min(model.window, most)
                sizes, tools = choose_sizes(window), _list_tools(brief, window)
            conversation.compact_if_full(window)
            try:
                with span("model call", model=model.name, turn=seq):
                    answer = await model.ask(conversation.messages, tools)
            except ContextFull as full:
                if seq == 0 and (smaller := _shrink_window(model.window, window)):
                    window = most = smaller
                    sizes, tools = choose_sizes(window), _list_tools(brief, window)
                    conversation.restart(_make_opening(brief, system_prompt, window))
                    continue
                if conversation.compact_harder(min(most, model.window)):
                    continue
                return _end_stopped(context, meter, str(full))
            meter.add(answer.usage)
            plan = context.plan
            if sizes.small:
                context.shown_chars = sizes.results // max(1, len(answer.response.tool_calls))
            done = await _execute_calls(context, answer, journal, seq)
            if context.plan != plan:
                await journal.show_plan(context.plan)
            # At a limit nothing follows from new comments: they stay unread, and become a task of their own.
            comments, stop = ([], None) if meter.find_reached_limit() else await _read_steering(journal)
            if comments:
                context.finish = None
                await _suspect_quoted(context, comments)

            silent = 0 if done or comments else silent + 1
            malformed = malformed + 1 if done and not comments and all(each.malformed for each in done) else 0
            guided = context.take_guidance(done)
            conversation.append(
                _fill_empty_answer(answer),
                _make_results_message(done, guided, comments, meter.warn_of_last_turns(), sizes.text),
            )
            turn = make_record(
                seq=seq,
                answer=answer,
                window=window,
                done=done,
                comments=[*missed, *comments],
                guided=guided,
                context=context,
                total=meter.used,
                conversation=conversation,
                seconds=time.monotonic() - start,
            )
            await journal.store_turn(seq, turn)
            if stop:
                raise stop
            conversation.end_turn(turn)
            missed, seq = [], seq + 1

            if context.finish:
                return _end_finished(context, context.finish, meter)
            if malformed >= MALFORMED_IN_A_ROW:
                return _end_stopped(
                    context, meter, f"{malformed} turns in a row held no call that could be understood"
                )
            if silent >= SILENT_IN_A_ROW:
                return _end_without_call(context, meter, turn["text"])


def _list_tools(brief: Brief, window: int) -> list[ToolDefinition]:
    return list_short_definitions(brief.kind) if choose_sizes(window).small else list_definitions()


def _make_opening(brief: Brief, system_prompt: str, window: int) -> ModelRequest:
    sizes = choose_sizes(window)
    return prompt.make_opening(brief, system_prompt, shown=fit_brief(brief, sizes), small=sizes.small)


def _shrink_window(known: int, assumed: int) -> int:
    """The window after a refusal of the first message: what it named, or a guess; 0 where nothing helps."""
    if known < assumed:
        return known
    guess = min(assumed, FULL_WINDOW) // 2
    return guess if guess >= LEAST_WINDOW else 0


def _make_resume_message(missed: Sequence[PromptText]) -> ModelRequest:
    """The message to a run that goes on after an interruption, with the comments that came meanwhile."""
    return ModelRequest(
        parts=[UserPromptPart(content=RESUMED), *([prompt.make_new_texts_part(missed)] if missed else [])]
    )


async def _read_steering(journal: Journal) -> tuple[list[PromptText], Cancelled | None]:
    """New comments, or the request to stop: the turn that is over is stored before the loop stops."""
    try:
        return await journal.read_steering(), None
    except Cancelled as stop:
        return [], stop


async def _execute_calls(
    context: ToolContext, answer: ModelAnswer, journal: Journal, seq: int
) -> list[ExecutedCall]:
    """Execute the calls of one answer in order. ``finish`` does not count when another call failed."""
    hint = CUT_OFF if answer.response.finish_reason == "length" else ""
    done = []
    for call in answer.response.tool_calls:
        await journal.begin_call(seq, call.tool_name, load_arguments(call))
        with span("tool call", tool=call.tool_name, turn=seq):
            executed = await execute_call(context, call, hint=hint)
        done.append(executed)
        await _suspect_output(context, executed)
    failed = [each.call.tool_name for each in done if not each.ok and each.call.tool_name != "finish"]
    if context.finish and failed:
        context.finish = None
        unfinished = f"[error] Not finished: in the same turn {', '.join(failed)} failed. Look at that first."
        done = [
            replace(each, text=unfinished, ok=False) if each.call.tool_name == "finish" else each
            for each in done
        ]
    return done


async def _suspect_output(context: ToolContext, executed: ExecutedCall) -> None:
    """Look at what a call gave back before the next one is made: it may hold orders to the agent.

    Or the rest of orders that began in what an earlier call gave back.
    """
    shown = next(iter(load_arguments(executed.call).values()), "")
    where = " ".join(f"{executed.call.tool_name} {shown}".split())[:WHERE_CHARS]
    found = await asyncio.to_thread(context.text_before.score_next, executed.text, where)
    await context.suspect([found] if found else [])


async def _suspect_quoted(context: ToolContext, texts: Sequence[PromptText]) -> None:
    """Look at texts that are data."""
    quoted = [(each.where, each.text) for each in texts if each.trust is Trust.QUOTED]
    await context.suspect(await asyncio.to_thread(score_texts, quoted))


def _fill_empty_answer(answer: ModelAnswer) -> ModelMessage:
    """The answer as it goes into the history: providers refuse a message without any content."""
    response = answer.response
    return response if response.parts else replace(response, parts=[TextPart(content="(nothing)")])


def _make_results_message(
    done: Sequence[ExecutedCall],
    guided: Sequence[PromptText],
    comments: Sequence[PromptText],
    warning: str,
    chars: int,
) -> ModelRequest:
    """The next message to the model: the results of its calls first, as providers want it, then texts.

    ``chars`` is how much of a text is shown.
    """
    parts: list[ModelRequestPart] = [
        ToolReturnPart(
            tool_name=each.call.tool_name,
            content=each.text,
            tool_call_id=each.call.tool_call_id,
            outcome="failed" if each.malformed else "success",
        )
        for each in done
    ]
    texts = [UserPromptPart(content=text) for text in ("" if done else NUDGE, warning) if text]
    texts += [prompt.make_guidance_part(guided, chars=chars)] if guided else []
    texts += [prompt.make_new_texts_part(comments, chars=chars)] if comments else []
    return ModelRequest(parts=[*parts, *texts])


def _end_finished(context: ToolContext, finish: Finish, meter: Meter) -> Outcome:
    return context.make_outcome(finish.kind, title=finish.title, summary=finish.summary, usage=meter.used)


def _end_stopped(context: ToolContext, meter: Meter, why: str) -> Outcome:
    return context.make_outcome(
        OutcomeKind.LIMIT, summary=f"Stopped before the end: {why}.", usage=meter.used
    )


def _end_without_call(context: ToolContext, meter: Meter, text: str) -> Outcome:
    """The model keeps answering without a call: its last text is the answer, unless files were changed."""
    if context.edited:
        why = f"the model stopped without saying that it had finished. Its last words: {text or '(none)'}"
        return _end_stopped(context, meter, why)
    if text.strip():
        return context.make_outcome(OutcomeKind.ANSWERED, summary=text.strip(), usage=meter.used)
    return context.make_outcome(OutcomeKind.BLOCKED, summary="The model gave no answer.", usage=meter.used)
