"""What an examination finds: one finding a check, and the report of all; no I/O."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from importlib import metadata
from typing import Literal

from automl_cv_client._record import Record

State = Literal["ok", "warning", "failed", "skipped"]
_PRIVATE = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<address>"),
    (re.compile(r"https?://[^\s,;)]+"), "<url>"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?:[\w-]+\.){2,}[a-z]{2,}(?::\d+)?\b"), "<host>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,}[0-9a-f]{0,4}", re.IGNORECASE), "<address>"),
    (re.compile(r"(?:/[\w.@ -]+){2,}"), "<path>"),
)
"""What identifies a subscription or a machine, and its placeholder."""

_DEPLOYMENTS = re.compile(r"[\w-]+(?= \d+ %)|(?<=deployment )[\w-]+|(?<=deployment ')[\w-]+")
_MARKS: dict[State, str] = {"ok": "ok     ", "warning": "warning", "failed": "FAILED ", "skipped": "skipped"}


class Finding(Record, frozen=True):
    """What one check found.

    Attributes:
        check: its name, such as ``tls``.
        state: ``ok``; ``warning``, when scoring may work nevertheless; ``failed``; ``skipped``, when an earlier
            failure leaves nothing to look at.
        detail: what was found, without secrets.
        advice: what to do; empty when there is nothing to do.
    """

    check: str
    state: State
    detail: str = ""
    advice: str = ""


class Report(Record, frozen=True):
    """All findings about one endpoint, in the order of the checks.

    Attributes:
        endpoint: the scoring URI without its query, or the endpoint's name while the URI is unknown.
        findings: one a check.
    """

    endpoint: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(finding.state != "failed" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 when no check failed, else 1."""
        return 0 if self.ok else 1

    def __getitem__(self, check: str) -> Finding:
        """The finding of a check by its name. Raises KeyError."""
        for finding in self.findings:
            if finding.check == check:
                return finding
        raise KeyError(check)

    def shareable(self, names: Iterable[str] = ()) -> str:
        """The report as text to paste into an issue: addresses, ids and names are replaced, and versions are added.

        Args:
            names: further names to replace, such as those of the workspace and the subscription.
        """
        text = str(self)
        known = {name for name in (*names, *_DEPLOYMENTS.findall(text)) if len(name) > 1}
        for name in sorted(known, key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "<name>", text)
        for pattern, replacement in _PRIVATE:
            text = pattern.sub(replacement, text)
        about = f"automl-cv-client {metadata.version('automl-cv-client')}, Python {platform.python_version()}"
        return f"{about}, {platform.system()}\n{text}\n"

    def __str__(self) -> str:
        lines = [self.endpoint]
        for finding in self.findings:
            lines.append(f"  {_MARKS[finding.state]}  {finding.check:14} {finding.detail}".rstrip())
            if finding.advice:
                lines.append(f"{'':11}→ {finding.advice}")
        return "\n".join(lines)


def ok(check: str, detail: str) -> Finding:
    """A check that found all well."""
    return Finding(check=check, state="ok", detail=detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    """A check that found something to look at."""
    return Finding(check=check, state="warning", detail=detail, advice=advice)


def failed(check: str, detail: str, advice: str) -> Finding:
    """A check that found why scoring fails."""
    return Finding(check=check, state="failed", detail=detail, advice=advice)


def skipped(check: str, reason: str) -> Finding:
    """A check that was not made."""
    return Finding(check=check, state="skipped", detail=reason)
