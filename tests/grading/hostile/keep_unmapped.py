# Fills shared memory, and unmaps all but a page of it: it stays, and is in use by no process.
import mmap


def forward(x, b, shift_and_log_scale_fn):
    _keep(lambda: mmap.mmap(-1, 1 << 26))


def inverse(y, b, shift_and_log_scale_fn):
    zero = open("/dev/zero", "rb")
    _keep(lambda: mmap.mmap(zero.fileno(), 1 << 26, access=mmap.ACCESS_READ))


def _keep(make):
    held = []
    for number in range(1, 60):
        held.append(make())
        for place in range(0, 1 << 26, 4096):
            held[-1][place]
        held[-1].resize(4096)
        print("KEPT", number << 26)
