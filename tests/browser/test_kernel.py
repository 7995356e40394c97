"""The WebAssembly that is committed is what its sources compile to."""

from __future__ import annotations

from pathlib import Path

import kernel
import pytest


@pytest.mark.parametrize("source", kernel.MODULES, ids=lambda source: source.name)
def test_committed_module_is_its_source_compiled(source: Path) -> None:
    """`make wasm` would change nothing; other versions of clang make other bytes."""
    clang = kernel.find_clang()
    if clang is None:
        pytest.skip("clang is not installed")
    committed = kernel.MODULES[source]
    used = kernel.committed_version(committed)
    if kernel.version(clang) != used:
        pytest.skip(f"clang {kernel.version(clang)} is installed, {used} was used")
    assert committed.read_text() == kernel.module(source, clang)
