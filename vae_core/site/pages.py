"""The pages of a site as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Any

from vae_core.formats import html
from vae_core.lessons import Lesson
from vae_core.method import STEPS, MethodStep, source
from vae_core.model_folder import AnyCard
from vae_core.site import lessons, texts

if TYPE_CHECKING:
    from vae_core.site.building import Selected

FRAME = "site/page.html"
NAME = "Latent Explorer"
#: What pages that train say of data that a site lacks.
_MISSING = [
    {
        "name": "mnist",
        "title": "MNIST",
        "source": None,
        "missing": "This site has no images of MNIST. The app trains on them; here you may drop "
        "your own pictures.",
    }
]
_NOTICE = '<p id="notice" class="notice" role="status">{}</p>'
_METHOD_CAPTION = (
    "Each point is a test image. Move onto a point to follow that image, or anywhere else to "
    "choose z yourself; click to keep it."
)


@dataclass(frozen=True)
class Card:
    """What the index shows of a model; `picture` says what its picture shows."""

    name: str
    title: str
    sentence: str
    picture: str


@dataclass(frozen=True)
class Frame:
    """What all pages of a site have around what they show."""

    has_lessons: bool

    def lessons(self, root: str) -> str:
        """Return the link to the list of lessons."""
        return f'<a href="{root}index.html#lessons">Lessons</a>\n' if self.has_lessons else ""


def _page(
    frame: Frame,
    main: str,
    *,
    title: str,
    kind: str,
    root: str = "",
    entry: str = "",
    facts: Any = None,
) -> bytes:
    """Put what a page shows into the frame of all pages.

    Parameters
    ----------
    kind
        Class of the page's body.
    root
        Path from the page to the site's root, such as "../".
    entry
        The module that the page runs; none for a page that only has links.
    facts
        What the module reads.
    """
    scripts = ""
    if entry:
        scripts = Template(html.read("site/scripts.html")).substitute(
            root=root, facts=html.as_json({"root": root, **facts}), entry=html.SCOPE + entry
        )
    whole = title if title == NAME else f"{title} – {NAME}"
    slots = {"main": main, "title": texts.escape(whole), "kind": kind, "root": root}
    around = {"scripts": scripts, "lessons": frame.lessons(root)}
    return Template(html.read(FRAME)).substitute(slots | around).encode()


def model_page(frame: Frame, one: Selected) -> bytes:
    """Return the page of a model."""
    main = html.model_main(one.saved, has_replay=one.replay is not None)
    return _page(
        frame,
        main,
        title=one.saved.card.name,
        kind="model",
        root="../",
        entry="site/model.js",
        facts={"model": one.name},
    )


def method_page(frame: Frame, one: Selected, parts: Sequence[str], *, example: int) -> bytes:
    """Return the page of the method in six steps, with the numbers of a model and an example."""
    steps = "\n".join(_method_step(step, number) for number, step in enumerate(STEPS, 1))
    name = texts.escape(one.saved.card.name)
    main = f"""<header>
<h1>The method in six steps</h1>
<p class="facts">What a variational autoencoder does to one image. The numbers are those of the
model <a href="models/{one.name}.html">{name}</a>; they change as you move over the map.</p>
</header>
{_NOTICE.format("Opening the model …")}
<div class="method">
<section class="method-map" aria-label="The map"><div class="lx"><div id="map"></div></div>
<p class="meaning">{texts.escape(_METHOD_CAPTION)}</p></section>
<div class="method-steps">
{steps}
</div>
</div>"""
    return _page(
        frame,
        main,
        title="The method in six steps",
        kind="learn",
        entry="site/learn.js",
        facts={"model": one.name, "parts": list(parts), "parameters": {"id": str(example)}},
    )


def _method_step(step: MethodStep, number: int) -> str:
    code = "\n".join(
        f"<p>{texts.escape(name)}</p>\n<pre><code>{texts.escape(lines)}</code></pre>"
        for name, lines in map(source, step.code)
    )
    return f"""<section aria-labelledby="method-{number}">
<h2 id="method-{number}">{number}. {texts.escape(step.title)}</h2>
<p>{texts.escape(step.text)}</p>
<div class="method-row">
<div class="formula">{texts.formula(step.formula, block=True)}</div>
<div class="lx"><div id="method-{step.part}"></div></div>
</div>
<details><summary>The lines of vae_core</summary>
{code}
</details>
</section>"""


def training_page(frame: Frame) -> bytes:
    """Return the page that trains a model."""
    main = f"""<header>
<h1>Train in this page</h1>
<p class="facts">A small variational autoencoder learns while you watch. Nothing leaves this page.
</p>
</header>
{_NOTICE.format("Opening the images …")}
<div class="lx"><div id="training"></div></div>"""
    return _page(
        frame,
        main,
        title="Train in this page",
        kind="train",
        entry="site/train.js",
        facts={"missing": _MISSING},
    )


def lesson_page(frame: Frame, lesson: Lesson, cards: Mapping[str, AnyCard]) -> bytes:
    """Return the page of a lesson."""
    return _page(
        frame,
        lessons.main(lesson, cards),
        title=lesson.title,
        kind="of-lesson",
        root="../",
        entry="site/lesson.js",
        facts={
            "steps": lessons.facts(lesson),
            "end": "../index.html#lessons",
            "missing": _MISSING,
        },
    )


def index(
    frame: Frame, models: Sequence[Card], chosen: Sequence[Lesson], *, has_method: bool
) -> bytes:
    """Return the first page: links to all others."""
    links = [
        ("train.html", "Train in this page", "A model learns under your hands, at once."),
    ]
    if has_method:
        text = "One image on its way through a model, with its numbers and formulas."
        links.insert(0, ("learn.html", "The method in six steps", text))
    main = f"""<header>
<h1>{NAME}</h1>
<p class="facts">Look inside variational autoencoders. Everything is computed in your browser;
nothing is sent anywhere.</p>
</header>
<section aria-labelledby="learn">
<h2 id="learn">Learn</h2>
<ul class="cards">{"".join(_link(*one) for one in links)}</ul>
</section>
{_lessons(chosen)}
<section aria-labelledby="models">
<h2 id="models">Models</h2>
<ul class="cards models">{"".join(map(_model, models))}</ul>
</section>"""
    return _page(frame, main, title=NAME, kind="index")


def _link(address: str, title: str, text: str, facts: str = "") -> str:
    quiet = f'<p class="quiet">{texts.escape(facts)}</p>' if facts else ""
    return (
        f'<li><h3><a href="{address}">{texts.escape(title)}</a></h3>'
        f"<p>{texts.escape(text)}</p>{quiet}</li>"
    )


def _lessons(chosen: Sequence[Lesson]) -> str:
    if not chosen:
        return ""
    cards = "".join(
        _link(
            f"lessons/{one.name}.html", one.title, one.about, f"{one.time}, {len(one.steps)} steps"
        )
        for one in chosen
    )
    return f"""<section aria-labelledby="lessons">
<h2 id="lessons">Lessons</h2>
<ul class="cards">{cards}</ul>
</section>"""


def _model(card: Card) -> str:
    name, title, sentence = card.name, texts.escape(card.title), texts.escape(card.sentence)
    return (
        f'<li><img src="assets/{name}.png" alt="{card.picture}" loading="lazy">'
        f'<h3><a href="models/{name}.html">{title}</a></h3><p>{sentence}</p></li>'
    )
