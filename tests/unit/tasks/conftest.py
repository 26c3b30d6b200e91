"""Fixtures for tests that have tasks worked on by the pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.tasks.store import Store
from bot.workspace.workshop import Workshop
from tests.support.pipeline import PipelineScene, pipeline_scene


@pytest.fixture
async def scene(store: Store, workshop: Workshop) -> AsyncIterator[PipelineScene]:
    """The pipeline's parts over ``store`` and a scripted GitHub."""
    async with pipeline_scene(store, workshop) as scene:
        yield scene
