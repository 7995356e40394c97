"""Sites: their files and links, and that a folder is replaced whole or not at all."""

from __future__ import annotations

import base64
import gzip
import json
import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from bundle_reading import read_bundle
from click.testing import CliRunner

from vae_core import lessons, method, model_folder, site
from vae_core.cli.main import cli
from vae_core.data import load_dataset
from vae_core.errors import ConfigError
from vae_core.site import lessons as site_lessons
from vae_core.site import texts, writing

LESSON = """---
title: A walk & a <look>
about: Two steps.
time: 5 minutes
needs: digits-2d
---

## On the map
view: explore?model=digits-2d&map=axes
show: map, picture, nonsense

One costs {{rate}}, with $z_1 < \\log 2$:

$$\\frac12 \\sum_j z_j$$

task: Move by 1.
done: moved >= 1

## Elsewhere
view: compare?study=iwae&model=digits-2d
show: chart

Text.

question: Which?
- (x) One | Yes.
- ( ) Two | No.
"""


class Links(HTMLParser):
    """What a page fetches or leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep addresses and ids."""
        self.found += [value for name, value in attrs if name in ("href", "src") and value]
        self.ids |= {value for name, value in attrs if name == "id" and value}


@pytest.fixture(scope="module")
def chosen() -> lessons.Lesson:
    """Return a lesson of two steps, of which a site shows one."""
    return lessons.parse(LESSON, "walk")


@pytest.fixture(scope="module")
def built(chosen: lessons.Lesson) -> site.Site:
    """Build a site of one model and one lesson."""
    saved = model_folder.open_folder("digits-2d")
    return site.build([site.Selected("digits-2d", saved)], [chosen])


def held(built: site.Site, name: str) -> dict[str, Any]:
    """Read what a script of the assets keeps."""
    text = built.files[f"assets/{name}.js"].decode()
    found = re.fullmatch(
        r"\(self\.latentExplorer \?\?= \{\}\)\[\"(.+?)\"\] = (.*);", text, re.DOTALL
    )
    assert found is not None
    assert found[1] == name
    content: dict[str, Any] = json.loads(found[2])
    return content


def unpacked(text: str) -> bytes:
    """Unpack a bundle."""
    return gzip.decompress(base64.b64decode(text))


def test_a_site_has_its_pages_and_shared_files_once(built: site.Site) -> None:
    """Models, lessons, the method, a training and a first page; assets are shared."""
    assert sorted(built.files) == [
        ".nojekyll",
        "assets/digits-2d.png",
        "assets/icon.svg",
        "assets/model-digits-2d.js",
        "assets/modules.js",
        "assets/site.css",
        "assets/training-digits.js",
        "index.html",
        "learn.html",
        "lessons/walk.html",
        "models/digits-2d.html",
        "train.html",
    ]
    assert built.pages == 5
    assert built.bytes == sum(map(len, built.files.values())) < 1_500_000
    assert all(len(built.files[name]) < 40_000 for name in built.files if name.endswith(".html"))


def test_links_are_relative_and_lead_to_a_file_and_a_place(built: site.Site) -> None:
    """No page names another host, and no link is broken."""
    pages = {name: Links() for name in built.files if name.endswith(".html")}
    for name, links in pages.items():
        links.feed(built.files[name].decode())
    for name, links in pages.items():
        assert links.found
        for link in links.found:
            assert not re.match(r"[a-z]+:|/", link), (name, link)
            path, _, place = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            assert target in built.files, (name, link)
            assert not place or place in pages[target].ids, (name, link)
    text = b"".join(
        content for name, content in built.files.items() if name.endswith((".html", "css"))
    )
    assert b"http" not in text.replace(b"http-equiv", b"")
    for page in pages:
        policy = re.search(
            r'Content-Security-Policy" content="([^"]+)"', built.files[page].decode()
        )
        assert policy is not None
        assert "default-src 'none'" in policy[1]
        assert "connect-src data:;" in policy[1]


def test_modules_of_pages_and_workers_are_in_the_import_map(built: site.Site) -> None:
    """Every import of a module has its own entry, those at a later time too."""
    text = built.files["assets/modules.js"].decode()
    imports = json.loads(re.search(r"stringify\((.*)\);", text)[1])["imports"]  # type: ignore[index]
    entries = {re.search(r'import "([^"]+)"', built.files[f"{page}.html"].decode())[1]  # type: ignore[index]
               for page in ("learn", "train", "models/digits-2d", "lessons/walk")}  # fmt: skip
    assert entries | {"latent-explorer/model/worker.js"} < imports.keys()
    for name, address in imports.items():
        source = unquote(address.split(",", 1)[1])
        for wanted in re.findall(r'^(?:import|export)\b[^;"=]*"([^"]+)";$', source, re.MULTILINE):
            assert wanted in imports, (name, wanted)
        assert not re.search(r'import\("\./\w+\.js"\)\.then', source), name


def test_equal_models_and_lessons_give_equal_bytes(
    built: site.Site, chosen: lessons.Lesson
) -> None:
    """A second build differs in nothing."""
    saved = model_folder.open_folder("digits-2d")
    assert site.build([site.Selected("digits-2d", saved)], [chosen]).files == built.files


def test_the_digits_are_in_the_site(built: site.Site) -> None:
    """They are trained on, and shown as the originals of a model of digits."""
    digits = load_dataset("digits")
    meta, arrays = read_bundle(unpacked(held(built, "training-digits")["images"]))
    assert meta["name"] == "digits"
    assert (arrays["images"] == digits.train.images.flatten(1).numpy()).all()
    model = held(built, "model-digits-2d")
    _, sprite = read_bundle(unpacked(model["sprite"]))
    assert sprite["ids"].tolist() == digits.test.ids.tolist()
    assert model["has_pixel_terms"] is True
    assert model["average"].startswith("−ELBO 2")


def test_no_other_dataset_has_originals_in_a_site() -> None:
    """A site of a model of MNIST has decoded images and codes alone."""
    saved = model_folder.open_folder("mnist-conv")
    built = site.build([site.Selected("mnist-conv", saved)])
    content = held(built, "model-mnist-conv")
    assert content["sprite"] is None
    assert content["columns"] is None
    with_images = [name for name in built.files if "training" in name or name.endswith(".png")]
    assert with_images == ["assets/mnist-conv.png", "assets/training-digits.js"]
    assert b"#lessons" not in built.files["index.html"], "it has none"


def test_a_lesson_says_what_only_the_app_shows(built: site.Site, chosen: lessons.Lesson) -> None:
    """Parts that a page without a server lacks are left out, and named in the step."""
    page = built.files["lessons/walk.html"].decode()
    assert "<h2>1. On the map</h2>" in page
    assert "A walk &amp; a &lt;look&gt;" in page
    assert "Only the app shows the study&#x27;s chart: this page has no server." in page
    facts = json.loads(re.search(r'id="page">(.*?)</script>', page)[1])  # type: ignore[index]
    assert [step["show"] for step in facts["steps"]] == [["map", "picture"], []]
    assert [step["model"] for step in facts["steps"]] == ["digits-2d", None]
    assert facts["steps"][0]["task"]["conditions"][0]["fact"] == "moved"
    assert "<math" in page
    assert "{{" not in page
    assert re.search(r"One costs \d\.\d nats", page)


def test_lessons_need_their_models(chosen: lessons.Lesson) -> None:
    """One whose models are missing is left out, and the reason is a sentence."""
    kept, left_out = site.choose([chosen], ["digits-2d"])
    assert [one.name for one in kept] == ["walk"]
    assert left_out == {}
    assert site.choose([chosen], ["mnist-2d"]) == ([], {"walk": "needs digits-2d"})
    only_served = lessons.parse(LESSON.replace("explore?", "train?"), "served")
    assert site.choose([only_served], ["digits-2d"])[1] == {
        "served": "shows nothing that a page without a server can show"
    }


def test_every_lesson_of_the_project_has_a_page() -> None:
    """With the models that come with it, all lessons can be in a site."""
    found = [lessons.read(path) for path in lessons.LESSONS.glob("*.md") if path.stem != "README"]
    kept, left_out = site.choose(found, model_folder.list_models())
    assert len(kept) == len(found) >= 12
    assert left_out == {}
    cards = {name: model_folder.load_card(name) for one in kept for name in one.needs}
    for lesson in kept:
        assert "(no model" not in site_lessons.main(lesson, cards)
        shown = sum(bool(site_lessons.shown(step)) for step in lesson.steps)
        assert shown >= len(lesson.steps) / 2, lesson.name


def test_markdown_has_formulas_and_no_html_of_its_own() -> None:
    """Formulas become MathML, also where Markdown has a meaning for their signs."""
    text = texts.html_of(
        "A $z_1 * z_2$ and *this*.\n\n$$\\log x$$\n\n<b>x</b> ![i](http://a/b.png)"
    )
    assert text.count("<math") == 2
    assert "<em>this</em>" in text
    assert '<div class="formula"><math display="block">' in text
    assert "<b>" not in text
    assert "<img" not in text
    assert texts.html_of("It costs $5 and $6.") == "<p>It costs $5 and $6.</p>\n"
    assert texts.html_of("$x$ is a number.").startswith("<p><math")


def test_a_formula_is_converted_whole_or_shown_as_it_is_written() -> None:
    """Rows become rows; what the converter would garble stays LaTeX, and is no HTML."""
    rows = texts.formula(r"\begin{aligned}a ={}& b \\[1em] & c\end{aligned}", block=True)
    assert rows.count("<mtr>") == 2
    assert "1em" not in rows
    for wrong in (r"\begin{foo}a & b\end{foo}", r"\nope{<b>}", r"\frac", "a & b"):
        shown = texts.formula(wrong, block=False)
        assert shown.startswith("<code>"), wrong
        assert "<b>" not in shown
    assert all("<math" in texts.formula(step.formula, block=True) for step in method.STEPS)


def test_a_folder_with_other_files_is_left_alone(built: site.Site, tmp_path: Path) -> None:
    """A site replaces a site; whatever else is in a folder stays, and is named."""
    out = tmp_path / "out"
    site.write(out, built.files)
    site.write(out, {"index.html": b"newer"})
    assert {path.name for path in out.iterdir()} == {"index.html", writing.MANIFEST}
    (out / "thesis.md").write_text("mine")
    before = sorted(out.iterdir())
    with pytest.raises(ConfigError, match=r"thesis\.md is no part of a site"):
        site.write(out, built.files)
    assert sorted(out.iterdir()) == before
    with pytest.raises(ConfigError, match="does not exist"):
        site.write(tmp_path / "no" / "where", built.files)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="file is no part of a site"):
        site.write(tmp_path / "file", built.files)


def test_a_site_is_written_whole_or_not_at_all(
    built: site.Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up leaves the site that was there."""
    out = tmp_path / "out"
    site.write(out, {"index.html": b"older"})
    real = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if self.name == "train.html":
            raise OSError(28, "No space left on device")
        return real(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        site.write(out, built.files)
    assert (out / "index.html").read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_command_prints_pages_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what was left out, and takes lessons of one's own."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "walk.md").write_text(LESSON)
    (own / "broken.md").write_text("no lesson")
    monkeypatch.setenv("VAE_LESSONS_DIR", str(own))
    out = tmp_path / "out"
    words = ["export", "--site", str(out), "--models", "digits-2d"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert re.search(r": \d+ pages, 1\.\d MB; open .*index\.html", done.stdout)
    assert "left out: lesson manifold, which needs mnist-2d" in done.stderr
    assert "left out: broken.md, line 1" in done.stderr
    again = CliRunner().invoke(cli, [*words, "--lessons", "none", "--json"])
    facts = json.loads(again.stdout)
    assert facts["pages"] == 4
    assert facts["bytes"] == sum(
        p.stat().st_size for p in out.rglob("*") if p.name != "site.json" and p.is_file()
    )
    assert not (out / "lessons").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--site", "x", "--format", "html"], "--site takes no MODEL"),
        (["digits-2d", "--models", "a", "--format", "html", "--out", "x"], "belong to --site"),
        (["digits-2d", "--format", "html"], "MODEL, --format and --out are needed"),
        (["--site", "x", "--models", "digits-2d,digits-2d/", "--lessons", "none"], "two models"),
        (["--site", "x", "--models", "nothing"], "nothing"),
        (["--site", "x", "--models", "", "--lessons", "none"], "a model at least"),
        (["--site", "x", "--models", "digits-2d", "--lessons", "nope"], "no such lesson"),
        (["--site", "x", "--models", "digits-2d", "--lessons", "manifold"], "needs mnist-2d"),
    ],
)  # fmt: skip
def test_wrong_words_are_refused_by_a_sentence(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written then."""
    monkeypatch.chdir(tmp_path)
    if "digits-2d/" in words[-3]:
        words = [*words[:3], f"digits-2d,{model_folder.PRETRAINED / 'digits-2d'}", *words[4:]]
    done = CliRunner().invoke(cli, ["export", *words])
    assert done.exit_code != 0
    assert sentence in str(done.exception) + done.output
    assert list(tmp_path.iterdir()) == []


def test_a_site_needs_a_model() -> None:
    """An empty choice is refused."""
    with pytest.raises(ConfigError, match="a model at least"):
        site.build([])
