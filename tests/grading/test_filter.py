"""The filter of system calls, run by a machine of our own: for every kind of processor."""

import os
import re
from pathlib import Path

import pytest

from tfp_flows.grading.confined import calls, seccomp


def _run_filter(code, processor, number, arguments):
    """What a filter decides, by a machine of our own: "allow", or the error."""
    words = [number, processor, 0, 0]  # and where in the program, which the filter does not ask
    for argument in arguments:
        words += [argument & 0xFFFFFFFF, argument >> 32]
    place, held = 0, None
    while True:
        kind, yes, no, value = code[place]
        place += 1
        if kind == 0x20:
            held = words[value // 4]
        elif kind == 0x06:
            return "allow" if value == 0x7FFF0000 else value & 0xFFFF
        else:
            met = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[kind]
            place += yes if met else no


def _decide(machine, *, writes=True):
    """The decision on a call with some arguments, under the filter of process 77."""
    code = seccomp.program(machine, 77, writes=writes)
    processor = calls.PROCESSORS[machine][1]

    def decide(number, *arguments, processor=processor):
        return _run_filter(code, processor, number, [*arguments, *[0] * (6 - len(arguments))])

    return decide


@pytest.mark.parametrize("machine", calls.PROCESSORS)
def test_filter_allows_what_is_listed_and_nothing_else(machine):
    side, processor = calls.PROCESSORS[machine]
    decide, reading = _decide(machine), _decide(machine, writes=False)
    always = {pair[side] for pair in calls.ALWAYS.values()} - {None}
    writing = {pair[side] for pair in calls.WRITING.values()} - {None}
    ruled = {pair[side] for pair in calls.RULED.values()} - {None}
    assert not always & writing | always & ruled | writing & ruled
    for number in set(range(600)) - ruled:
        refused = 1 if number < 424 else 38
        assert decide(number) == ("allow" if number in always | writing else refused), number
        assert reading(number) == ("allow" if number in always else refused), number
    assert decide(0x40000000 | min(always)) == 1
    assert {decide(number, processor=processor ^ 1) for number in range(600)} == {1}


@pytest.mark.parametrize("machine", calls.PROCESSORS)
def test_filter_looks_at_arguments(machine):
    side = calls.PROCESSORS[machine][0]
    decide, reading = _decide(machine), _decide(machine, writes=False)

    def allowed(name, *arguments, decide=decide):
        number = calls.RULED[name][side]
        return decide(number, *arguments) == "allow"

    assert allowed("clone", 0x3D0F00)
    assert not allowed("clone", 17)
    for name in ("kill", "tgkill"):
        assert allowed(name, 77)
        assert not any(allowed(name, other) for other in (0, 1, 78, 2**32 - 1))
    for name in ("prlimit64", "sched_getaffinity"):
        assert allowed(name, 77)
        assert allowed(name, 0)
        assert not allowed(name, 78)
    assert allowed("sendto", 3, 1, 1, 0, 0)
    assert not allowed("sendto", 3, 1, 1, 0, 1)
    assert not allowed("sendto", 3, 1, 1, 0, 1 << 32)
    assert {n for n in range(2048) if allowed("fcntl", 3, n)} == {0, 1, 2, 3, 1030}
    assert not any(allowed("ioctl", 3, n) for n in (1, 2, 0x5412, 0x8901, 0x40049409))
    assert not any(allowed("madvise", 1, 1, n) for n in (3, 9, 12, 20, 21, 22, 23, 25))
    assert allowed("madvise", 1, 1, 4)
    assert not any(allowed("prctl", n) for n in (1, 4, 22, 24, 38, 47))
    assert not allowed("clock_gettime", 2**32 - 6)
    assert allowed("clock_gettime", 3)
    assert allowed("mmap", 0, 1, 1, 2)
    assert not any(allowed("mmap", 0, 1, 1, bits) for bits in (1, 3, 0x40022))
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC):
        assert allowed("openat", 0, 0, flags)
        assert not allowed("openat", 0, 0, flags, decide=reading)
    assert allowed("openat", 0, 0, os.O_CLOEXEC, decide=reading)


_HEADERS = {
    "x86_64": ("x86_64-linux-gnu/asm/unistd_64.h", "asm/unistd_64.h"),
    "aarch64": ("asm-generic/unistd.h",),
}
_NEW = {"faccessat2": 439, "close_range": 436, "fchmodat2": 452}  # headers may be older


@pytest.mark.parametrize("machine", calls.PROCESSORS)
def test_numbers_are_those_of_the_kernel_s_headers(machine):
    places = [Path("/usr/include", name) for name in _HEADERS[machine]]
    found = [place for place in places if place.exists()]
    if not found:
        pytest.skip("there are no headers of the kernel")
    lines = re.findall(r"#define __NR(?:3264)?_(\w+) (\w+)", found[0].read_text())
    numbers = {name: int(value) for name, value in lines if value.isdigit()}
    numbers["newfstatat"] = numbers.get("fstatat", numbers.get("newfstatat"))
    side = calls.PROCESSORS[machine][0]
    for table in (calls.ALWAYS, calls.WRITING, calls.RULED, {"seccomp": calls.SECCOMP}):
        for name, pair in table.items():
            if pair[side] is not None:
                assert numbers.get(name, _NEW.get(name)) == pair[side], name
