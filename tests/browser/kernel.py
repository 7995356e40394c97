"""Compile the kernel of the browser's networks; run as a script it writes the module that has it.

``make wasm`` runs it after a change of ``browser/model/kernel.c``. It needs clang and lld.
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

FOLDER = Path(__file__).resolve().parents[2] / "browser" / "model"
SOURCE = FOLDER / "kernel.c"
MODULE = FOLDER / "kernel_wasm.js"
NAMES = ("clang-19", "clang")
FLAGS = (
    *("--target=wasm32", "-nostdlib", "-ffreestanding", "-O3", "-fvisibility=hidden"),
    *("-Wall", "-Wextra", "-Werror", "-msimd128", "-mbulk-memory"),
    "-Wl,--no-entry,--export-dynamic,--import-memory,--strip-all,-z,stack-size=4096",
)
#: Instructions beyond those of every kernel.
KERNELS = {"SIMD": (), "RELAXED": ("-mrelaxed-simd",)}


def find_clang() -> str | None:
    """Return ``CLANG``, else the first of these compilers on the path, else None."""
    installed = (shutil.which(name) for name in NAMES)
    return os.environ.get("CLANG") or next(filter(None, installed), None)


def version(clang: str) -> str:
    """Return the version of a compiler; other versions compile the kernel to other bytes."""
    told = subprocess.run([clang, "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"version (\d+\.\d+\.\d+)", told)
    assert found is not None, told
    return found[1]


def module(clang: str) -> str:
    """Compile the kernel and return the JavaScript module that has it."""
    lines = [
        f"// Made of kernel.c by `make wasm`, with clang {version(clang)}. Base64 of WebAssembly."
    ]
    for name, more in KERNELS.items():
        lines.append(
            f'export const {name} = "{base64.b64encode(_compiled(clang, more)).decode()}";'
        )
    return "\n".join(lines) + "\n"


def committed_version() -> str:
    """Return the version of the compiler that made the module."""
    found = re.search(r"with clang ([\d.]+)\.", MODULE.read_text())
    assert found is not None
    return found[1]


def _compiled(clang: str, more: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernel.wasm"
        subprocess.run([clang, *FLAGS, *more, "-o", str(out), str(SOURCE)], check=True)
        return out.read_bytes()


if __name__ == "__main__":
    compiler = find_clang()
    if compiler is None:
        sys.exit("clang was not found; on Debian: apt-get install clang lld")
    MODULE.write_text(module(compiler))
