"""The `ikelab` command: everything a notebook can do without a picture.

A command is a module of this package that defines `command`. It is imported only when it is called; the list of
commands shows the first line of its docstring. Exit status: 0 done, 1 the protocol said no, 2 the command was misused.
"""

from __future__ import annotations

import ast
import errno
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import click

from ikelab import __version__
from ikelab.errors import IkelabError, Misuse
from ikelab.view.plain import visible

COMMANDS = Path(__file__).parent


class Commands(click.Group):
    """A click group whose commands are the modules beside this one, each imported when it is first called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _summaries():
            return None
        try:
            found = importlib.import_module(f"{__name__}.{cmd_name}").command
        except ModuleNotFoundError as error:
            if (error.name or "ikelab").partition(".")[0] == "ikelab":
                raise
            raise _Misused(
                f"ikelab {cmd_name} needs {error.name}, which is not installed: pip install 'ikelab[all]'"
            ) from error
        if not isinstance(found, click.Command):
            raise TypeError(f"{__name__}.{cmd_name}.command: expected a click command, got {found!r}")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_summaries().items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Misuse as error:
            raise _Misused(visible(error)) from error
        except IkelabError as error:
            raise click.ClickException(visible(error)) from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise _Misused(f"expected room for the output, got: {error.strerror}") from error


class _Misused(click.ClickException):
    """One sentence on the terminal, and the exit status that says the command was misused."""

    exit_code = 2


def _summaries() -> dict[str, str]:
    """The commands there are, and the first line of each one's docstring; read, not imported."""
    return dict(_read_summaries())


def _read_summaries() -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules([str(COMMANDS)]):
        path = COMMANDS / module.name / "__init__.py" if module.ispkg else COMMANDS / f"{module.name}.py"
        source = ast.parse(path.read_text("utf-8"))
        if any(_defines_command(statement) for statement in source.body):
            yield module.name, (ast.get_docstring(source) or "").partition("\n")[0]


def _defines_command(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == "command" for target in statement.targets)
    return isinstance(statement, ast.FunctionDef) and statement.name == "command"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="ikelab")
def main() -> None:
    """Step through IKEv1: read every octet, derive every key.

    Exit status: 0 done; 1 the protocol said no; 2 the command was misused.
    """
