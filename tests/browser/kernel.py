"""Compile C to WebAssembly; run as a script it writes the JavaScript modules that have the result.

``make wasm`` runs it after a change of a source. It needs clang and lld.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Each source, and the module that has what it compiles to.
MODULES = {
    ROOT / "browser" / "model" / "kernel.c": ROOT / "browser" / "model" / "kernel_wasm.js",
    ROOT / "browser" / "training" / "kernel.c": ROOT / "browser" / "training" / "kernel_wasm.js",
    ROOT / "benchmarks" / "decoding" / "peak.c": ROOT / "benchmarks" / "decoding" / "peak_wasm.js",
}
NAMES = ("clang-19", "clang")
FLAGS = (
    *("--target=wasm32", "-nostdlib", "-ffreestanding", "-O3", "-fvisibility=hidden"),
    *("-Wall", "-Wextra", "-Werror", "-msimd128", "-mbulk-memory"),
    "-Wl,--no-entry,--export-dynamic,--strip-all,-z,stack-size=4096",
)
#: Instructions beyond those that each variant has.
VARIANTS = {"SIMD": (), "RELAXED": ("-mrelaxed-simd",)}
#: What the kernel alone needs: memory that JavaScript makes.
LINKED = {"kernel.c": ("-Wl,--import-memory",)}


def find_clang() -> str | None:
    """Return ``CLANG``, else the first of these compilers on the path, else None."""
    installed = (shutil.which(name) for name in NAMES)
    return os.environ.get("CLANG") or next(filter(None, installed), None)


def version(clang: str) -> str:
    """Return the version of a compiler; another version compiles to other bytes."""
    told = subprocess.run([clang, "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"version (\d+\.\d+\.\d+)", told)
    assert found is not None, told
    return found[1]


def module(source: Path, clang: str) -> str:
    """Compile a source and return the JavaScript module that has the result."""
    made = f"Made of {source.name} by `make wasm`, with clang {version(clang)}"
    lines = [f"// {made}. Base64 of WebAssembly."]
    for name, more in VARIANTS.items():
        content = base64.b64encode(_compiled(source, clang, more)).decode()
        lines.append(f'export const {name} = "{content}";')
    return "\n".join(lines) + "\n"


def committed_version(path: Path) -> str:
    """Return the version of the compiler that made a module."""
    found = re.search(r"with clang ([\d.]+)\.", path.read_text())
    assert found is not None
    return found[1]


def _compiled(source: Path, clang: str, more: tuple[str, ...]) -> bytes:
    linked = LINKED.get(source.name, ())
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "compiled.wasm"
        subprocess.run([clang, *FLAGS, *linked, *more, "-o", str(out), str(source)], check=True)
        return out.read_bytes()


if __name__ == "__main__":
    compiler = find_clang()
    if compiler is None:
        sys.exit("clang was not found; on Debian: apt-get install clang lld")
    for file, written in MODULES.items():
        written.write_text(module(file, compiler))
