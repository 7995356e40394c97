"""Write every pretrained model in every format, and compare two such folders byte by byte.

``python -m benchmarks.formats OUT_DIR`` writes, for each model in ``pretrained/``: the decoder's,
the encoder's and the codes' bundle, the HTML page, the ONNX decoder, the codes as CSV and a zip of
the model folder; and ``hashes.json``, the SHA-256 of each. ``--against OTHER_DIR`` compares the
result with that of another checkout and exits with status 1 if anything differs. What differs is
named by its part: a module or a script of a page, a line of a table, a file of a zip. A model of
one latent dimension has no page. The times of a zip's entries are those of the checkout's files,
so that a zip's hash is that of its entries' names and contents.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from vae_core import model_folder, runs
from vae_core.formats import bundles, html, onnx, tables
from vae_core.model_folder import Saved

HASHES = "hashes.json"
_SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)
_MODULE = re.compile(r'"latent-explorer/(?:[\w-]+/)*([\w-]+\.js)"')
_ADDRESS = "data:text/javascript;charset=utf-8,"


def main() -> None:
    """Write the files, print their number and what differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--against", type=Path, metavar="OTHER_DIR")
    arguments = parser.parse_args()
    hashes = write(arguments.out)
    print(f"{len(hashes)} files in {arguments.out}")
    if arguments.against is not None:
        found = list(differences(arguments.against, arguments.out))
        print("\n".join(found) or f"nothing differs from {arguments.against}")
        sys.exit(1 if found else 0)


def write(out: Path) -> dict[str, str]:
    """Write each model in each format below ``out``; return the hash of each file by its path."""
    hashes = {}
    for name in model_folder.list_models():
        (out / name).mkdir(parents=True, exist_ok=True)
        for file, content in _contents(name).items():
            path = out / name / file
            path.write_bytes(content)
            hashes[f"{name}/{file}"] = _hash(path)
    (out / HASHES).write_text(json.dumps(hashes, indent=1) + "\n")
    return hashes


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield one line for each file that differs between two folders, with the parts that do."""
    old, new = (json.loads((folder / HASHES).read_text()) for folder in (before, after))
    for file in sorted(old | new):
        if file not in old or file not in new:
            yield f"{file}: only in {after if file in new else before}"
        elif old[file] != new[file]:
            one, other = (parts(folder / file) for folder in (before, after))
            changed = [part for part in one | other if one.get(part) != other.get(part)]
            shown = ", ".join(changed[:12]) + (", …" if len(changed) > 12 else "")
            yield f"{file}: {len(changed)} of {len(one | other)} parts differ: {shown}"


def parts(path: Path) -> dict[str, bytes]:
    """Split a page into modules, scripts and markup, a table into lines, a zip into its files.

    Modules of a page are named, and import each other, by the last part of their paths alone: a
    module that only moved is the same part.
    """
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    if path.suffix == ".csv":
        return {
            f"line {number}": line
            for number, line in enumerate(path.read_bytes().splitlines(), start=1)
        }
    if path.suffix != ".html":
        return {"bytes": path.read_bytes()}
    page = path.read_text(encoding="utf-8")
    found = {"markup": _SCRIPT.sub("", page).encode()}
    for attributes, content in _SCRIPT.findall(page):
        if "importmap" not in attributes:
            found[f"script{attributes}"] = content.encode()
            continue
        for name, address in json.loads(content)["imports"].items():
            source = _MODULE.sub(r'"\1"', unquote(address.removeprefix(_ADDRESS)))
            found[f"module {name.rsplit('/', 1)[-1]}"] = source.encode()
    return found


def _contents(name: str) -> dict[str, bytes]:
    saved = model_folder.open_folder(name)
    codes = saved.codes
    found = {
        "decoder.bin": bundles.network_bundle(saved.model, parts=("decoder",)),
        "encoder.bin": bundles.network_bundle(saved.model, parts=("encoder",)),
        "codes.bin": bundles.codes_bundle(codes),
        "decoder.onnx": onnx.decoder(saved.model),
        "codes.csv": tables.codes_csv(codes.ids, codes.labels, codes.mu, codes.logvar).encode(),
        "model.zip": model_folder.zip_folder(name),
    }
    if saved.card.model.latent_dim > 1:
        found["page.html"] = _page(name, saved)
    return found


def _page(name: str, saved: Saved) -> bytes:
    replay = runs.read_replay(model_folder.locate(name))
    if replay is None:
        return html.page(saved)
    return html.page(saved, replay=runs.replay_bundles.small_bundle(replay, saved.card.model))


def _hash(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".zip":
        content = b"".join(name.encode() + entry for name, entry in parts(path).items())
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
