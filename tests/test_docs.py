"""What is not documented does not exist: settings, routes, commands, operators, fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main

from trueline.api.app import create_app
from trueline.api.pages import PATHS as PAGES
from trueline.cli import app as cli
from trueline.filters.fields import OwnField
from trueline.filters.operators import OPERATORS
from trueline.settings import Settings

if TYPE_CHECKING:
    from trueline.service.workspace import Workspace

ROOT = Path(__file__).parent.parent


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_setting_is_documented_with_its_default_and_help(name: str) -> None:
    field = Settings.model_fields[name]
    (row,) = [line for line in text("docs/settings.md").splitlines() if f"`TRUELINE_{name.upper()}`" in line]
    assert field.description
    assert field.description in row
    assert name == "secret" or (f"`{field.default}`" in row if str(field.default) else "empty" in row)


def test_every_route_is_documented_and_nothing_else(workspace: Workspace) -> None:
    paths = create_app(workspace).openapi()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    served |= {f"GET {path}" for path in PAGES}
    documented = set(re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)`", text("docs/routes.md"), re.MULTILINE))
    assert served
    assert documented == served


def test_every_operator_and_own_field_is_documented() -> None:
    routes = text("docs/routes.md")
    assert [name for name in [*OPERATORS, *OwnField] if f"`{name}`" not in routes] == []


def test_every_command_is_documented() -> None:
    commands = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
    documented = text("README.md") + text("CHANGELOG.md") + text("docs/importing.md")
    assert commands
    assert [name for name in commands if f"`{name}`" not in documented and f"trueline {name}" not in documented] == []


def test_links_in_the_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [
        (page, target) for page in pages for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert links
    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []
