"""Cases, checks and the report of an acceptance run.

A case is a name and a function that raises when the server is wrong. The report
prints one line a case and ends with `N passed, N failed`, so that a script can add
the numbers up. There is no skip: a case that cannot run has failed.
"""
import json
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable


class CheckFailed(Exception):
    """The server did something else than what the case expects."""


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[[], None]


@dataclass
class Report:
    passed: int = 0
    failed: int = 0

    def record(self, name: str, problem: str | None, seconds: float | None = None) -> None:
        took = "" if seconds is None else f" ({seconds:.1f} s)"
        if problem is None:
            self.passed += 1
            print(f"ok   {name}{took}", flush=True)
            return
        self.failed += 1
        print(f"FAIL {name}{took}", flush=True)
        for line in problem.rstrip().splitlines():
            print(f"     | {line}", flush=True)

    def note(self, text: str) -> None:
        print(f"note {text}", flush=True)

    def finish(self) -> int:
        """Prints the last line and returns the exit code. No case at all is a failure too."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


def run_cases(cases: list[Case], report: Report, jobs: int) -> None:
    """Runs independent cases side by side and reports them in their written order."""
    duplicates = {c.name for c in cases if sum(1 for d in cases if d.name == c.name) > 1}
    if duplicates:
        raise ValueError(f"two cases share a name: {sorted(duplicates)}")
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for case, outcome in [(c, pool.submit(_attempt, c)) for c in cases]:
            problem, seconds = outcome.result()
            report.record(case.name, problem, seconds)


def _attempt(case: Case) -> tuple[str | None, float]:
    start = time.monotonic()
    try:
        case.run()
        problem = None
    except CheckFailed as failure:
        problem = str(failure)
    except Exception:  # a broken case must not hide the others
        problem = traceback.format_exc()
    return problem, time.monotonic() - start


def check(condition: Any, message: str, seen: Any = None) -> None:
    if not condition:
        raise CheckFailed(message if seen is None else f"{message}\nseen: {shorten(seen)}")


def check_equal(actual: Any, expected: Any, what: str) -> None:
    check(actual == expected, f"{what}: expected {shorten(expected)}, got {shorten(actual)}")


def shorten(value: Any, limit: int = 1500) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
