"""What the processor can do, read in one place, and the arithmetic that suits it."""

from __future__ import annotations

import platform
import re
from collections.abc import Set
from enum import StrEnum
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

# Processors that add products of bytes in 32 bits: nothing overflows. ONNX Runtime has kernels for each.
WIDE_SUMS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})
# Those that add pairs of products in 16 bits first: 255 x 127 x 2 does not fit, 255 x 63 x 2 does.
PAIRS = frozenset({"avx2"})


class Arithmetic(StrEnum):
    """How the linear layers of an exported model compute."""

    FP32 = "fp32"
    INT8 = "int8"
    INT8_SEVEN_BITS = "int8-w7"


def chosen(flags: Set[str]) -> Arithmetic:
    """The fastest arithmetic that is exact on a processor with these flags; fp32 where they say too little."""
    if flags & WIDE_SUMS:
        return Arithmetic.INT8
    if flags & PAIRS:
        return Arithmetic.INT8_SEVEN_BITS
    return Arithmetic.FP32


def flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """What the processor says it can do, in Linux's names; empty where nothing says so.

    Of an Apple processor it is known without asking: all of them add products of bytes in 32 bits.
    """
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return frozenset({"asimddp"})
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    said = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(said.group(1).split()) if said else frozenset()
