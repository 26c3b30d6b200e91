"""A script from a file: answers that come at once, and answers that come later."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest, TextPart

from bot.agent.models.scripted import load_script


async def test_an_answer_comes_as_much_later_as_its_turn_says(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"text": "Thought of.", "seconds": 0.05}, {"text": "At once."}]))
    model, opening = load_script(str(script)), ModelRequest.user_text_prompt("Go on.")
    began = asyncio.get_running_loop().time()
    thought = await model_request(model, [opening])
    assert asyncio.get_running_loop().time() - began >= 0.05
    quick = await model_request(model, [opening, thought, opening])
    assert [each.parts[0] for each in (thought, quick)] == [TextPart("Thought of."), TextPart("At once.")]
