"""Markdown with formulas as HTML that needs no script: formulas are MathML."""

from __future__ import annotations

import html
import re
from functools import cache

from markdown_it import MarkdownIt

from vae_core.model_folder import AnyCard

_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n](?:[^$]*?[^$\s])?)\$", re.DOTALL)
#: Stands for a formula while the Markdown around it is read; no text contains it.
_PLACE = "\x02{}\x03"
_PLACES = re.compile("(?:<p>)?\x02(\\d+)\x03(?:</p>)?")
#: MathML has no space after a function's name.
_NAMES = re.compile(r"<mi>(log|exp|ln)</mi>(?!\s*<mfrac)")

#: Environments that the converter does not know, by those that it knows; distances of rows.
_ENVIRONMENTS = {"aligned": "matrix", "gathered": "matrix"}
#: Where cells of a row meet.
_EDGES = re.compile(r"(?<!\\)&|\{\}")
_ENVIRONMENT = re.compile(r"\\begin\{(.*?)\}")
_DISTANCE = re.compile(r"\\\\\s*\[[^\]]*\]")
#: What the converter copies where it does not understand a formula.
_FOREIGN = re.compile(r"\\|<mi>&</mi>")


@cache
def _markdown() -> MarkdownIt:
    # Images would be fetched, and HTML could run.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def html_of(markdown: str) -> str:
    """Return Markdown, with formulas between dollar signs, as HTML."""
    formulas: list[str] = []

    def keep(match: re.Match[str]) -> str:
        block = match[1] is not None
        formulas.append(formula(match[1] or match[2], block=block))
        return _PLACE.format(len(formulas) - 1)

    rendered: str = _markdown().render(_FORMULA.sub(keep, markdown))

    def put(match: re.Match[str]) -> str:
        found = formulas[int(match[1])]
        alone = match[0].startswith("<p>") and match[0].endswith("</p>")
        return f'<div class="formula">{found}</div>' if alone else _unwrapped(match[0], found)

    return _PLACES.sub(put, rendered)


def _unwrapped(around: str, found: str) -> str:
    """Keep a paragraph's tag that a formula begins or ends."""
    before = "<p>" if around.startswith("<p>") else ""
    after = "</p>" if around.endswith("</p>") else ""
    return before + found + after


def formula(latex: str, *, block: bool) -> str:
    """Return a formula in LaTeX as MathML; as it is written, where it cannot be converted."""
    mathml = _converted(latex.strip(), "block" if block else "inline")
    if mathml is None:
        return f"<code>{html.escape(latex)}</code>"
    spaced = _NAMES.sub(r'<mi>\1</mi><mspace width="0.17em"/>', mathml)
    return spaced.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def _converted(latex: str, display: str) -> str | None:
    """Convert a formula; None if the converter would leave something out."""
    from latex2mathml import commands, converter

    if _ENVIRONMENT.findall(latex) == ["aligned"]:  # browsers align cells to the left alone
        latex = _EDGES.sub(" ", latex)
    for ours, theirs in _ENVIRONMENTS.items():
        for edge in ("begin", "end"):
            latex = latex.replace(f"\\{edge}{{{ours}}}", f"\\{edge}{{{theirs}}}")
    if any(f"\\{name}" not in commands.MATRICES for name in _ENVIRONMENT.findall(latex)):
        return None
    try:
        mathml: str = converter.convert(_DISTANCE.sub(r"\\\\", latex), display=display)
    except Exception:  # its errors have no class of their own
        return None
    return None if _FOREIGN.search(mathml) else mathml


def quantity(card: AnyCard | None, model: str, name: str) -> str:
    """Return a metric of a model as a text quotes it, such as "141.2 nats"; −ELBO of "elbo"."""
    if card is None:
        return f"(no model {model})"
    if name == "latent_dim":
        return str(card.model.latent_dim)
    metric = card.metrics.get(name)
    if metric is None:
        return f"({model} has no {name})"
    shown = -metric.value if name.endswith("elbo") else metric.value
    if metric.unit == "share":
        return f"{shown:.0%}"
    number = f"{shown:,.{0 if float(shown).is_integer() else 1}f}".replace("-", "−")
    return f"{number} nats" if metric.unit == "nats" else number


def escape(text: str) -> str:
    """Escape a text for HTML."""
    return html.escape(text)
