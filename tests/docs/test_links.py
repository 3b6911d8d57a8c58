"""Every link inside the repository leads somewhere, down to the heading."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md")
    for page in ROOT.glob(pattern)
)

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*\s*?$|\Z)", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$", re.MULTILINE)
HTML_ANCHOR = re.compile(r"""<[a-z]\w*\s[^>]*?\b(?:id|name)=["']([^"']+)["']""", re.IGNORECASE)
TARGET = r"(?:<([^>\n]*)>|([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*))"
LINKS = (
    re.compile(r"\]\(\s*" + TARGET + r"(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"),
    re.compile(r"^ {0,3}\[[^\]^][^\]]*\]:[ \t]*" + TARGET, re.MULTILINE),
    re.compile(r"""<[a-z]\w*\s[^>]*?\b(?:href|src)=["']([^"']*)()["']""", re.IGNORECASE),
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def links(text: str) -> list[str]:
    """List the targets a page names, leaving out code and comments."""
    prose = CODE.sub("", FENCE.sub("", COMMENT.sub("", text)))
    return [match[1] or match[2] or "" for link in LINKS for match in link.finditer(prose)]


def anchors(text: str) -> set[str]:
    """Name a page's headings as code forges do: lower case, dashes, numbered when repeated."""
    prose = FENCE.sub("", COMMENT.sub("", text))
    found: set[str] = {match[1] for match in HTML_ANCHOR.finditer(prose)}
    for match in HEADING.finditer(prose):
        words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = 1
        name = slug
        while name in found:
            name, again = f"{slug}-{again}", again + 1
        found.add(name)
    return found


def problem(page: Path, target: str) -> str | None:
    """Say what is wrong with a link, if anything is."""
    if ELSEWHERE.match(target):
        return None
    where, _, anchor = target.partition("#")
    if where.startswith("/"):
        return f"{target}: write a relative link"
    there = (page.parent / unquote(where.partition("?")[0])).resolve() if where else page
    if not there.is_relative_to(ROOT):
        return f"{target}: leaves the repository"
    if not target or not there.exists():
        return f"{target!r}: no such file"
    if anchor and there.suffix == ".md" and unquote(anchor) not in anchors(there.read_text()):
        return f"{target}: no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    problems = [found for link in links(page.read_text()) if (found := problem(page, link))]
    assert not problems, "\n".join(problems)


def test_code_and_comments_hold_no_links() -> None:
    text = "`[a](b)`\n\n```sh\n[c](d)\n```\n<!-- [e](f) -->\n~~~\n[g](h)\n~~~\n[i](j#k 'l')"
    assert links(text) == ["j#k"]


def test_every_form_of_link_is_seen() -> None:
    text = '[a](<b c.md>) ![d](e_(f).png)\n<a href="g.md">h</a>\n\n[i]: j.md\n[^k]: a footnote'
    assert set(links(text)) == {"b c.md", "e_(f).png", "g.md", "j.md"}


def test_headings_get_the_names_that_forges_give_them() -> None:
    text = '# Exit codes & `--json`!\n## Again\n## Again\n```\n# no\n```\n<a id="own"></a>\n'
    assert anchors(text) == {"exit-codes----json", "again", "again-1", "own"}


def test_a_broken_link_is_named(tmp_path: Path) -> None:
    here = ROOT / "Makefile.md"
    assert problem(here, "https://carrel.invalid/") is None
    assert problem(here, "Makefile") is None
    assert problem(here, "missing.md") == "'missing.md': no such file"
    assert problem(here, "../elsewhere.md") == "../elsewhere.md: leaves the repository"
    assert problem(here, str(tmp_path)) == f"{tmp_path}: write a relative link"
