class Bomb:
    def __reduce__(self):
        import os
        return (os.system, ("touch /tmp/hostile-was-here",))


def forward(x, b, shift_and_log_scale_fn):
    return np.array([Bomb()] * 3, dtype=object)
