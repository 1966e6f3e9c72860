# Threads that hold next to nothing themselves; the kernel holds some kilobytes for each.
import threading


def forward(x, b, shift_and_log_scale_fn):
    threading.stack_size(1 << 15)
    wait = threading.Event()
    started = 0
    try:
        while started < 60_000:
            threading.Thread(target=wait.wait, daemon=True).start()
            started += 1
    finally:
        print("KEPT", started << 14)
