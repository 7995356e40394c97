"""The kernel in WebAssembly that is committed is what its source compiles to."""

from __future__ import annotations

import kernel
import pytest


def test_committed_kernel_is_its_source_compiled() -> None:
    """`make wasm` would change nothing; other versions of clang make other bytes."""
    clang = kernel.find_clang()
    if clang is None:
        pytest.skip("clang is not installed")
    if kernel.version(clang) != kernel.committed_version():
        pytest.skip(f"clang {kernel.version(clang)} is here, {kernel.committed_version()} was used")
    assert kernel.MODULE.read_text() == kernel.module(clang)
