"""The machine that figures are of: what it is, what it holds in memory, how fast it multiplies."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

#: Packages whose versions a record names.
NAMED = ("torch", "numpy", "scikit-learn", "openTSNE", "streamlit", "pythae")


def describe() -> dict[str, Any]:
    """Name the processor, its cores, the memory, a GPU, and what others were doing meanwhile."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "cores in use": usable_cores(),
        "memory (GB)": memory_size(),
        "GPU": gpu(),
        # What others were doing before: figures taken on a busy machine say little.
        "load before": None if load is None else round(load, 2),
    }


def versions() -> dict[str, str]:
    """Name the versions of Python, the system, and the packages that are measured."""
    found = {"python": platform.python_version(), "system": platform.system()}
    for name in NAMED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def processor() -> str:
    """Name the processor as its maker does, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def gpu() -> str | None:
    """Name the GPU as its driver does, where there is one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def paths() -> dict[str, str]:
    """Name what PyTorch uses of this processor: the kernels that ran are of these kinds."""
    import torch

    found = torch.cpu.get_capabilities()
    bfloat16 = [name for name in ("amx_tile", "avx512_bf16") if found.get(name)]
    return {
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "bfloat16 products by": ", ".join(bfloat16) or "nothing of its own",
    }


def usable_cores() -> int:
    """Count the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_size() -> float | None:
    """Return the machine's memory in GB, or None where it does not tell."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (ValueError, OSError):
        return None


def memory(process: int) -> float:
    """Return what a process holds in memory, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def worked(process: int) -> float:
    """Return the seconds that a process has worked on all cores together."""
    words = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory() -> float:
    """Return the most that this process ever held in memory, in MB; not a number off Linux."""
    # Not getrusage's: a new program starts with the peak of the one that started it.
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.nan
    (peak,) = (line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 2**10


def find_server(address: str) -> int:
    """Return the process that listens at an address that this program started."""
    port = address.rsplit(":", 1)[1].encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--server.port" in words and words[words.index(b"--server.port") + 1] == port:
            return int(folder.name)
    raise RuntimeError(f"no process listens at {address}")


#: How often a product is repeated between two looks at the clock, and how many looks at least.
IN_A_ROW, ROWS = 3, 3


@dataclass(frozen=True)
class Product:
    """One matrix product, (m, k) times (k, n), and which of the two is read transposed."""

    m: int
    k: int
    n: int
    transposed: str = ""  # "left", "right" or neither

    @property
    def flops(self) -> int:
        """A multiplication and an addition for each of m · k · n."""
        return 2 * self.m * self.k * self.n


SQUARE = (Product(2048, 2048, 2048),)


def training_products(widths: Sequence[Sequence[int]], batch: int) -> tuple[Product, ...]:
    """Return the products of one step through stacks of dense layers, as PyTorch lays them out.

    Parameters
    ----------
    widths
        Sizes along each stack, encoder and decoder, e.g. (784, 500, 40) and (20, 500, 784).
        The very first layer needs no gradient by its input.
    batch
        Images in a minibatch.
    """
    products = []
    for stack, sizes in enumerate(widths):
        for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            products.append(Product(batch, fan_in, fan_out, "right"))
            products.append(Product(fan_out, batch, fan_in, "left"))
            if stack or layer:
                products.append(Product(batch, fan_out, fan_in))
    return tuple(products)


def decoding_products(widths: Sequence[int], codes: int) -> tuple[Product, ...]:
    """Return the products of one pass of so many codes through a stack of dense layers."""
    return tuple(Product(codes, fan_in, out, "right") for fan_in, out in pairwise(widths))


def flops(products: Sequence[Product]) -> int:
    """Add up what products cost."""
    return sum(product.flops for product in products)


def gemm_rate(products: Sequence[Product], precision: str, *, seconds: float = 0.05) -> float:
    """Measure the rate at which PyTorch multiplies matrices of these shapes, in FLOP/s.

    Each product is repeated for ``seconds`` with its operands at hand, a few times in a row, by
    each of the libraries that PyTorch brings, and the fastest row counts: a ceiling is what the
    machine can do when nothing comes between. The rate is that of all of them once, one after the
    other.
    """
    import torch

    from vae_core.models.dense import by_onednn, has_onednn

    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    total = 0.0
    for product in products:
        left = _operand(product.m, product.k, dtype, is_transposed=product.transposed == "left")
        right = _operand(product.k, product.n, dtype, is_transposed=product.transposed == "right")
        out = torch.empty(product.m, product.n, dtype=dtype)
        ways: list[Callable[[], object]] = [partial(torch.mm, left, right, out=out)]
        if has_onednn(left.device):
            ways.append(partial(by_onednn, left, right.T))
        total += min(_fastest_row(way, seconds) for way in ways) / IN_A_ROW
    return flops(products) / total


def _fastest_row(way: Callable[[], object], seconds: float) -> float:
    way()
    rows: list[float] = []
    while sum(rows) < seconds or len(rows) < ROWS:
        began = time.perf_counter()
        for _ in range(IN_A_ROW):
            way()
        rows.append(time.perf_counter() - began)
    return min(rows)


def _operand(rows: int, columns: int, dtype: Any, *, is_transposed: bool) -> Any:
    import torch

    if is_transposed:
        return torch.randn(columns, rows).to(dtype).T
    return torch.randn(rows, columns).to(dtype)
