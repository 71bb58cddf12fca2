"""What can go wrong when environments are read."""

from __future__ import annotations

from pathlib import Path

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.problems import Problem


class UnknownEnvironment(IlsError):
    """No file of that name."""

    def __init__(self, name: str, known: tuple[str, ...], directory: Path, suggestion: str | None) -> None:
        self.name = name
        self.known = known
        guess = f" Did you mean {suggestion!r}?" if suggestion else ""
        listed = ", ".join(known) or "none"
        super().__init__(
            f"there is no environment {name!r}: {directory} has {listed}.{guess} "
            f"Use one of these, or add {name}.yaml there."
        )


class EnvironmentFileError(IlsError):
    """A file that is not a valid environment, with everything that is wrong with it."""

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{file} has {count}:\n" + "\n".join(f"  {problem}" for problem in problems))


class EnvironmentsDirectoryMissing(IlsError):
    """The directory that should hold the environment files is not there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(
            f"expected the environment files in {directory}, found no such directory. "
            "Set ILS_ENVIRONMENTS_DIR to where they are, or run from inside the project."
        )
