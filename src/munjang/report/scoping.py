"""Style sheets of pages, confined to one element of another page such as a notebook."""

import re

# What is said there holds for this element and within; twice, to outweigh the notebook's own style.
SCOPE = ".munjang-view.munjang-view"
# Pages of notebooks that say which color scheme they have: JupyterLab, VS Code, Colab and others.
_DARK_HOSTS = '[data-jp-theme-light="false"], .vscode-dark, [theme="dark"], [data-theme="dark"]'
_LIGHT_HOSTS = '[data-jp-theme-light="true"], .vscode-light, [theme="light"], [data-theme="light"]'
_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)\s*{")
_SELECTORS = re.compile(r"[^{};]+(?={)")
_PAGE = re.compile(r"(?<![\w.#:-])(?::root|html|body)(?![\w-])")


def scope(css: str) -> str:
    """Return a style sheet whose rules hold only within elements of the class `munjang-view`.

    Rules are nested (CSS Nesting, in browsers since 2023), and those of `:root` and `body` are of
    that element. A dark color scheme follows that of the notebook where the notebook says which it
    has, else that of the reader's system.

    Args:
        css: the style sheet of a page, without comments and texts.
    """
    rules = _follow_notebook(_rename_page(css))
    schemes = (
        f":is({_LIGHT_HOSTS}) & {{ color-scheme: light; }}\n"
        f":is({_DARK_HOSTS}) & {{ color-scheme: dark; }}"
    )
    return f"{SCOPE} {{\n{rules}\n{schemes}\n}}"


def _rename_page(css: str) -> str:
    """Replace the page in selectors by the element that stands for it."""
    return _SELECTORS.sub(lambda found: _PAGE.sub("&", found[0]), css)


def _follow_notebook(css: str) -> str:
    """Replace each `@media (prefers-color-scheme: dark)` by rules that ask the notebook first."""
    parts, place = [], 0
    for found in _DARK.finditer(css):
        end = _closing(css, found.end())
        rules = css[found.end() : end]
        parts += [
            css[place : found.start()],
            f"{found[0]} &:where(:not(:is({_LIGHT_HOSTS}) *)) {{{rules}}} }}\n",
            f":is({_DARK_HOSTS}) & {{{rules}}}",
        ]
        place = end + 1
    return "".join([*parts, css[place:]])


def _closing(css: str, place: int) -> int:
    """Return the place of the brace that closes the block which begins at `place`."""
    depth = 1
    for found in re.compile("[{}]").finditer(css, place):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return found.start()
    raise ValueError("a block of a style sheet is not closed")
