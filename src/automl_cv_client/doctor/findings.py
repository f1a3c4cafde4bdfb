"""What an examination finds: one finding a check, and the report of all; no I/O."""

from __future__ import annotations

from typing import Literal

from automl_cv_client._record import Record

State = Literal["ok", "warning", "failed", "skipped"]
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
        return all(one.state != "failed" for one in self.findings)

    @property
    def exit_code(self) -> int:
        """0 when no check failed, else 1."""
        return 0 if self.ok else 1

    def __getitem__(self, check: str) -> Finding:
        """The finding of a check by its name. Raises KeyError."""
        for one in self.findings:
            if one.check == check:
                return one
        raise KeyError(check)

    def __str__(self) -> str:
        lines = [self.endpoint]
        for one in self.findings:
            lines.append(f"  {_MARKS[one.state]}  {one.check:14} {one.detail}".rstrip())
            if one.advice:
                lines.append(f"{'':11}→ {one.advice}")
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
