from pathlib import Path

import pytest

from export.cpu import Arithmetic, chosen, flags

ZEN4 = {"sse2", "avx2", "avx512f", "avx512_vnni"}


@pytest.mark.parametrize(
    ("said", "arithmetic"),
    [
        (ZEN4, Arithmetic.INT8),
        ({"avx2", "avx_vnni"}, Arithmetic.INT8),
        ({"avx2", "avx512f", "amx_int8"}, Arithmetic.INT8),
        ({"asimd", "asimddp"}, Arithmetic.INT8),
        ({"avx2", "avx512f", "avx512bw"}, Arithmetic.INT8_SEVEN_BITS),  # Skylake: sums pairs in 16 bits
        ({"avx2", "fma"}, Arithmetic.INT8_SEVEN_BITS),
        ({"sse2", "avx"}, Arithmetic.FP32),
        ({"asimd"}, Arithmetic.FP32),
        (set(), Arithmetic.FP32),
    ],
)
def test_the_arithmetic_is_the_fastest_that_the_processor_does_exactly(said, arithmetic):
    assert chosen(said) is arithmetic


@pytest.mark.parametrize("heading", ["flags\t\t", "Features\t"])
def test_what_the_processor_says_is_read(tmp_path: Path, heading: str):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: avx2 amx_int8\n{heading}: fpu avx2 avx512_vnni\nbugs\t: spectre\n")
    assert flags(file) == {"fpu", "avx2", "avx512_vnni"}


def test_where_nothing_is_said_it_is_fp32(tmp_path: Path):
    empty = tmp_path / "cpuinfo"
    empty.write_text("processor\t: 0\n")
    assert chosen(flags(empty)) is chosen(flags(tmp_path / "none")) is Arithmetic.FP32
