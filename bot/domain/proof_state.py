"""What a proof comes to, in one of three words: the mark that comment, check run and dashboard show.

This is the one place that decides it; they all ask here.
"""

from __future__ import annotations

from enum import StrEnum

from bot.domain.result import Proof, Verdict


class ProofState(StrEnum):
    """The three ways in which a proof ends."""

    PROVED = "proved"
    FAILS = "fails"
    NOT_RUN = "nothing could be run"

    @property
    def icon(self) -> str:
        """One character for it, another one for each."""
        return {ProofState.PROVED: "✅", ProofState.FAILS: "❌", ProofState.NOT_RUN: "⚪"}[self]

    @property
    def conclusion(self) -> str:
        """What GitHub's check run says: https://docs.github.com/en/rest/checks/runs#create-a-check-run."""
        names = {ProofState.PROVED: "success", ProofState.FAILS: "failure", ProofState.NOT_RUN: "neutral"}
        return names[self]


def grade_proof(proof: Proof) -> ProofState:
    """PROVED when all checks pass on head; FAILS when one of them ended otherwise; else NOT_RUN."""
    if proof.passed:
        return ProofState.PROVED
    ends = {check.head.verdict for check in proof.checks}
    if ends & {Verdict.FAILED, Verdict.TIMED_OUT}:
        return ProofState.FAILS
    return ProofState.NOT_RUN
