"""The help pages: quick, complete, and with examples that exist."""

import re
import shlex
import subprocess
import sys
from types import ModuleType

import pytest
import typer
from typer.main import get_command

from carrel.cli.app import root, run
from carrel.cli.catalogue import SECTIONS
from carrel.cli.declaring import command, group
from carrel.cli.loading import LazyCommand, load

NAMES = [name for commands in SECTIONS.values() for name in commands]


def leaves(name: str) -> list[tuple[str, typer.Context]]:
    """Return every command line of a name, groups resolved."""
    command = load(name)
    return below(name, typer.Context(command, info_name=f"carrel {name}", terminal_width=78))


def below(called: str, context: typer.Context) -> list[tuple[str, typer.Context]]:
    """Return a command, or those of a group and of the groups in it."""
    inner = getattr(context.command, "commands", {})
    return [
        leaf
        for sub, one in inner.items()
        for leaf in below(
            f"{called} {sub}",
            typer.Context(one, info_name=sub, parent=context, terminal_width=78),
        )
    ] or [(called, context)]


ALL = [(called, context) for name in NAMES for called, context in leaves(name)]


def test_the_help_page_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    alone = capsys.readouterr().out
    assert run(["--help"]) == 0
    assert capsys.readouterr().out == alone
    for name, summary in ((n, s) for commands in SECTIONS.values() for n, s in commands.items()):
        assert re.search(rf"^  {name} +{summary[:30]}", alone, re.MULTILINE)


@pytest.mark.parametrize(("called", "context"), ALL, ids=[called for called, _ in ALL])
def test_every_command_explains_itself(called: str, context: typer.Context) -> None:
    page = context.get_help()
    assert f"Usage: carrel {called}" in page
    assert "  Examples:" in page
    assert "--json" in page
    assert not [line for line in page.splitlines() if len(line) > 88]
    assert "[default" not in page


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_a_command_that_exists(name: str) -> None:
    pages = [context.get_help() for _, context in leaves(name)] + [
        typer.Context(load(name), info_name=f"carrel {name}").get_help()
    ]
    lines = [line for page in pages for line in page.partition("Examples:")[2].splitlines()]
    called = [match for line in lines for match in re.findall(r"carrel ((?:[\w-]+ ?)+)", line)]
    assert called
    for words in (one.split() for one in called):
        assert words[0] in NAMES
        inner = getattr(load(words[0]), "commands", {})
        if inner and len(words) > 1 and words[1].isalpha():
            assert words[1] in inner


@pytest.mark.parametrize(("called", "context"), ALL, ids=[called for called, _ in ALL])
def test_options_in_examples_are_known(called: str, context: typer.Context) -> None:
    known = {
        name
        for param in [
            *context.command.params,
            *(context.parent.command.params if context.parent else []),
        ]
        for name in (*param.opts, *param.secondary_opts)
    }
    for line in context.get_help().partition("Examples:")[2].splitlines():
        own = re.match(rf"\s*carrel {called}( .*)?$", line)
        if own is None:
            continue
        words = shlex.split((own[1] or "").split(" -- ")[0].partition("|")[0].partition(">")[0])
        assert {word for word in words if word.startswith("-")} <= known, line


def test_a_mistyped_command_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["shwo"]) == 2
    assert "Did you mean 'show'?" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert re.fullmatch(r"carrel \d+\.\d+\.\d+\n", capsys.readouterr().out)


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that a command line of another process loads."""
    program = (
        "import sys; sys.argv = ['carrel', *sys.argv[1:]]\n"
        "from carrel.__main__ import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_help_loads_nothing_that_it_does_not_need() -> None:
    slow = {"sqlalchemy", "alembic", "rich", "pydantic", "yaml", "tomlkit", "sqlite3", "asyncio"}
    assert loaded_by("--help") & slow == set()
    assert loaded_by("ls", "--help") & slow == set()
    assert not [name for name in loaded_by("--help") if name.startswith("carrel.control")]


@pytest.mark.parametrize("name", NAMES)
def test_of_a_group_only_what_is_called_is_made(name: str) -> None:
    whole = getattr(load(name), "commands", {})
    plain = {sub: one for sub, one in whole.items() if not hasattr(one, "commands")}
    context = typer.Context(get_command(root), info_name="carrel")
    for sub, one in plain.items():
        called = LazyCommand(name, "").make_context(name, [sub, "--json"], parent=context)
        part = getattr(called.command, "commands")  # noqa: B009 - a group's
        if len(plain) > 1:
            assert sub in part
            assert not plain.keys() & part.keys() - {sub}
        pages = [
            typer.Context(found, info_name=sub, parent=called, terminal_width=78).get_help()
            for found in (one, part[sub])
        ]
        assert pages[0] == pages[1]


def test_a_command_alone_is_no_group_though_its_own_name_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = group()

    @command(app, name="trial")
    def trial(word: str) -> None:
        """Take a word."""

    module = ModuleType("carrel.cli.commands.trial")
    vars(module)["app"] = app
    monkeypatch.setitem(sys.modules, module.__name__, module)
    context = LazyCommand("trial", "").make_context("trial", ["trial"])
    assert context.params == {"word": "trial"}


def test_a_group_without_a_command_shows_its_help() -> None:
    for name in NAMES:
        inner = getattr(load(name), "commands", {})
        if inner and name not in {"ledger", "projects"}:  # these answer alone, too
            assert run([name]) == 2
    assert set(get_command(root).commands) == set(NAMES)  # type: ignore[attr-defined]
