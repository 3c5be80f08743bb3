"""The proportions of the code, against the limits of ARCHITECTURE.md: `python -m tests.proportions`.

Prints what it counts and exits with 1 if a limit is exceeded. A function's lines are those of its signature and body,
without its docstring and blank lines. Complexity is McCabe's, counted by ruff.
"""

import ast
import json
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("penstock", "flows", "tasks", "deployments")
SUPPORT = ("benchmarks", "tests")
MAX_MEDIAN_LINES, MAX_P90_LINES, MAX_FUNCTION_LINES = 6, 20, 40
MAX_FILE_LINES, MAX_TEST_FILE_LINES, MAX_MODULES, MAX_COMPLEXITY = 300, 500, 20, 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Count:
    """One figure with its limit; without a limit it is only printed."""

    name: str
    value: float
    limit: float | None = None
    where: str = ""

    def is_exceeded(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def line(self) -> str:
        limit = "" if self.limit is None else f"≤ {self.limit:g}"
        verdict = "  EXCEEDED" if self.is_exceeded() else ""
        return f"{self.name:<46}{self.value:>8g}  {limit:<6} {self.where}{verdict}".rstrip()


def main() -> int:
    counts = [*code_counts(python_files(PACKAGES)), *support_counts(python_files(SUPPORT))]
    for count in counts:
        print(count.line())
    return 1 if any(count.is_exceeded() for count in counts) else 0


def python_files(folders: Sequence[str]) -> list[Path]:
    """Every module once: `penstock/flows` and the like are links to the folders beside it."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if not any(parent.is_symlink() for parent in path.parents)]


def code_counts(files: Sequence[Path]) -> Iterator[Count]:
    functions = {name: function for path in files for name, function in functions_of(path)}
    lines = {name: function_lines(function) for name, function in functions.items()}
    longest = max(lines, key=lines.__getitem__)
    complexity, where = most_complex()
    yield Count("modules", len(files))
    yield Count("functions", len(functions))
    yield Count("lines of a function, median", statistics.median(lines.values()), MAX_MEDIAN_LINES)
    yield Count("lines of a function, 90th percentile", statistics.quantiles(lines.values(), n=10)[-1], MAX_P90_LINES)
    yield Count("lines of a function, longest", lines[longest], MAX_FUNCTION_LINES, longest)
    yield Count("complexity of a function, highest", complexity, MAX_COMPLEXITY, where)
    yield Count("public functions and classes with a docstring, %", documented_percent(files))
    yield from file_counts("package", files, MAX_FILE_LINES)


def support_counts(files: Sequence[Path]) -> Iterator[Count]:
    yield from file_counts("test or benchmark", files, MAX_TEST_FILE_LINES)


def file_counts(kind: str, files: Sequence[Path], max_lines: int) -> Iterator[Count]:
    lines = {path: len(path.read_text().splitlines()) for path in files}
    longest = max(lines, key=lines.__getitem__)
    folders = Counter(path.parent for path in files if path.name != "__init__.py")
    fullest, modules = folders.most_common(1)[0]
    yield Count(f"lines of a {kind} file, median", statistics.median(lines.values()))
    yield Count(f"lines of a {kind} file, longest", lines[longest], max_lines, shown(longest))
    yield Count(f"modules of a {kind} folder, most", modules, MAX_MODULES, shown(fullest))


def functions_of(path: Path) -> Iterator[tuple[str, Function]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield f"{shown(path)}:{node.lineno} {node.name}", node


def function_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    signature = function.body[0].lineno - function.lineno
    return signature + ((body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0)


def documented_percent(files: Sequence[Path]) -> float:
    public = [
        node
        for path in files
        for node in ast.parse(path.read_text()).body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
    ]
    return round(100 * sum(ast.get_docstring(node) is not None for node in public) / len(public))


def most_complex() -> tuple[int, str]:
    command = [sys.executable, "-m", "ruff", "check", *PACKAGES, "--select", "C901", "--output-format", "json"]
    command += ["--config", "lint.mccabe.max-complexity=0", "--exit-zero"]
    found = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    worst = max(found, key=complexity_of)
    return complexity_of(worst), shown(Path(worst["filename"]))


def complexity_of(violation: dict[str, str]) -> int:
    number = re.search(r"\((\d+) > 0\)", violation["message"])
    return int(number[1]) if number else 0


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
