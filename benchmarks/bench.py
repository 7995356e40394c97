"""Speed against peers and the machine's limits: ``make bench``, ``python -m benchmarks.bench``.

Measures section by section, prints what it does, writes ``benchmarks/results/<date>.json``, and the
tables in ``benchmarks/README.md``. Sections that are left out keep what the same day's file says of
them. A further machine has records of its own, ``<date>-<name>.json``: ``--on`` names it, and one
with a GPU is "gpu". ``--quick`` only shows that every section works, and writes nothing unasked.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import math
import re
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine, scale, table
from benchmarks.sections import Found
from vae_core.data import load_dataset
from vae_core.errors import LatentExplorerError

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
SECTIONS = (
    "training",
    "recipe",
    "quality",
    "elbo",
    "evaluation",
    "maps",
    "startup",
    "growth",
    "data",
    "gpu",
)
NEEDED = ("mnist", "frey-face")
#: A record's date, and the name of its machine.
RECORD = re.compile(r"(\d{4}-\d\d-\d\d)(?:-([a-z0-9]+))?\.json")


def main() -> None:
    """Measure, record, render."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--only", type=chosen, default=sections(), metavar=",".join(SECTIONS))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a look at whether everything works")
    size.add_argument("--full", action="store_true", help="more rounds, whole test sets; hours")
    parser.add_argument("--threads", type=threads, default=machine.usable_cores())
    parser.add_argument("--on", type=machines_name, metavar="NAME", help="a further machine")
    parser.add_argument("--out", type=Path, help="where to write, with no table in README.md")
    parser.add_argument(
        "--render", action="store_true", help="only write the tables, from the newest records"
    )
    given = parser.parse_args()
    if given.render:
        table.render(newest(), README)
        return
    how_much = scale.QUICK if given.quick else scale.FULL if given.full else scale.USUAL
    try:
        for name in NEEDED:
            load_dataset(name)
    except LatentExplorerError as error:
        sys.exit(f"error: {error}")
    torch.set_num_threads(given.threads)
    today, name = datetime.date.today().isoformat(), given.on or usual_name()
    path = given.out or HERE / "results" / f"{'-'.join(filter(None, (today, name)))}.json"
    record = begun(path, given.threads)
    for name in given.only:
        record["sections"][name] = measured(name, how_much, given.threads)
        record["sections"] = {
            one: record["sections"][one] for one in SECTIONS if one in record["sections"]
        }
        if given.out or not given.quick:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(finite(record), indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
    if not given.out and not given.quick:
        table.render(newest(), README)
        print(f"written to {path} and {README}")


def sections() -> tuple[str, ...]:
    """Name the sections that can be measured on this machine."""
    return tuple(name for name in SECTIONS if name != "gpu" or torch.cuda.is_available())


def chosen(text: str) -> tuple[str, ...]:
    """Read names of sections, in the order in which they are measured."""
    names = set(text.split(","))
    if unknown := names.difference(SECTIONS):
        raise argparse.ArgumentTypeError(
            f"section {min(unknown)!r}: allowed are {', '.join(SECTIONS)}"
        )
    if names.difference(sections()):
        raise argparse.ArgumentTypeError(
            f"section 'gpu': this machine has no GPU; allowed here are {', '.join(sections())}"
        )
    return tuple(name for name in SECTIONS if name in names)


def threads(text: str) -> int:
    """Read a number of threads that this machine has."""
    most = machine.usable_cores()
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"threads {text!r}: allowed are 1 to {most}")
    return int(text)


def usual_name() -> str:
    """Name this machine among those that are measured; most have none."""
    return "gpu" if torch.cuda.is_available() else ""


def machines_name(text: str) -> str:
    """Read the name of a machine, which becomes part of a file's."""
    if not re.fullmatch("[a-z0-9]+", text):
        raise argparse.ArgumentTypeError(f"name {text!r}: allowed are small letters and digits")
    return text


def newest() -> list[dict[str, Any]]:
    """Read the newest record of each machine, the one without a name first."""
    found: dict[str, Path] = {}
    for path in sorted((HERE / "results").iterdir()):
        if name := RECORD.fullmatch(path.name):
            found[name[2] or ""] = path
    if not found:
        sys.exit(f"error: {HERE / 'results'} has no record yet: run `make bench`")
    return [json.loads(found[name].read_bytes()) for name in sorted(found)]


def begun(path: Path, threads: int) -> dict[str, Any]:
    """Describe the machine, beside what the file says of the sections already measured."""
    kept = json.loads(path.read_bytes())["sections"] if path.exists() else {}
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(),
        "threads": threads,
        "paths": machine.paths(),
        "versions": machine.versions(),
        "sections": {name: kept[name] for name in sections() if name in kept},
    }


def measured(name: str, how_much: scale.Scale, threads: int) -> dict[str, Any]:
    """Run one section and print its rows."""
    section = importlib.import_module(f"benchmarks.sections.{name}")
    print(f"\n{section.TITLE}", flush=True)
    load, began = machine.describe()["load before"], time.monotonic()

    def say(what: str) -> None:
        print(f"  {time.monotonic() - began:6.1f} s  {what}", flush=True)

    found: Found = section.measure(how_much, threads, say)
    print(table.markdown(found.rows))
    return {
        "title": section.TITLE,
        "scale": how_much.name,
        "seconds": round(time.monotonic() - began, 1),
        "load before": load,
        "plot": found.plot,
        "rows": [row.as_dict() for row in found.rows],
        "rounds": {name: list(spread.values) for name, spread in found.rounds.items()},
    }


def finite(value: Any) -> Any:
    """Replace what JSON cannot hold, infinities and what is not a number, by nothing."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
