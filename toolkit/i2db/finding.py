"""Something odd about the inputs: what, where, and what was done or is to be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A row of table `finding`, less the stage that found it."""

    severity: Severity
    subject: str
    item: str
    message: str
    remedy: str

    def row(self, stage: str) -> dict[str, Any]:
        """The row for table `finding`."""
        return {"stage": stage, **asdict(self)}

    def __str__(self) -> str:
        return f"{self.subject} {self.item}: {self.message} ({self.remedy})"


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Those that have to be mended before anything can run."""
    return [finding for finding in findings if finding.severity == "error"]


def summary(findings: Iterable[Finding], shown: int = 20) -> str:
    """A line per finding, the first `shown` of them."""
    lines = [str(finding) for finding in findings]
    more = [f"... and {len(lines) - shown} more"] if len(lines) > shown else []
    return "\n".join(f"  {line}" for line in lines[:shown] + more)
