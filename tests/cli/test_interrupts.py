"""Ctrl-C where Python drops exceptions."""

import signal
import threading
from types import SimpleNamespace

import pytest

from tfp_flows.runs import rounds, work
from tfp_flows.terminal import kept_interrupts


class Swallowing:
    """Is interrupted while it goes away, of which Python only prints a warning."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def usual_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_was_dropped_is_raised_when_asked_for():
    with kept_interrupts() as check:
        check()
        Swallowing()
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_others_are_raised_at_once():
    with pytest.raises(KeyboardInterrupt), kept_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_stays_so_and_threads_are_left_alone():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with kept_interrupts() as check:
        signal.raise_signal(signal.SIGINT)
        check()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    seen = []

    def other():
        with kept_interrupts() as check:
            check()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_round_it_falls_into_is_the_last(tmp_path):
    class Trainer(work.Trainer):
        unit, shift, monitor, min_delta, done = "nats", 0.0, "val_loss", 0.0, 0

        def state(self):
            return {"weight": []}

        def restore(self, arrays):
            pass

        def run(self, rounds):
            for _ in rounds:
                self.done += 1
                if self.done == 2:
                    Swallowing()
                rounds.end({"loss": 1.0, "val_loss": 1.0})

    trainer = Trainer()
    settings = SimpleNamespace(epochs=9, minutes=None, patience=9, seed=0, tensorboard=None)
    with pytest.raises(KeyboardInterrupt):
        rounds.Rounds(trainer, settings, tmp_path, "tables").train()
    assert trainer.done == 2
    kept = rounds.Rounds(trainer, settings, tmp_path, "tables")
    assert kept.state.epoch == 2
