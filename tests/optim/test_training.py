"""fit and its parts: a loop by hand gives the same bits, whatever ends the run loses nothing, and what is seen is right."""

import io
import math
import os
import signal
import threading
from typing import Any

import numpy as np
import pytest

import autograd
import nn
import optim
from autograd import GradientError, ShapeError, Tensor
from optim.callbacks import Callback, EarlyStopping, Progress
from optim.history import History
from optim.training import accuracy, evaluate, fit, groups, objective, train_step

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], np.float32) > 0).astype(np.int64)


def net(seed: int = 0, dropout: float = 0.0) -> Any:
    layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 2))
    return nn.init.reset(layers, seed)


def smooth(seed: int = 0) -> Any:
    """Without anything that depends on the batch."""
    return nn.init.reset(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)), seed).double()


def same(a: Any, b: Any) -> None:
    a, b = a.state_dict(), b.state_dict()
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


def run(model: Any, **options: Any) -> History:
    data = options.pop("data", (X, Y))
    epochs = options.pop("epochs", 3)
    optimizer = options.pop("optimizer", None) or optim.Adam(model.parameters(), lr=0.01)
    return fit(model, nn.CrossEntropyLoss(), data, optimizer, epochs, **{"progress": False, **options})


# --- what it does ----------------------------------------------------------------------------------------------------------


def test_it_is_the_loop_that_one_would_write():
    ours, theirs = net(), net()
    optimizer = optim.Adam(theirs.parameters(), lr=0.01)
    schedule = optim.CosineAnnealingLR(optimizer, T_max=21)
    batches = optim.Batches((X, Y), 8, seed=3)
    losses = []
    for _ in range(3):
        sums = 0.0
        for x, y in batches:
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(theirs(Tensor(x)), y)
            loss.backward()
            optim.clip_grad_norm_(theirs.parameters(), 0.5)
            optimizer.step()
            schedule.step()
            sums += float(loss) * len(x)
        losses.append(sums / 50)
    optimizer = optim.Adam(ours.parameters(), lr=0.01)
    schedule = optim.CosineAnnealingLR(optimizer, T_max=21)
    history = run(ours, data=optim.Batches((X, Y), 8, seed=3), optimizer=optimizer, schedule=schedule, clip=0.5)
    same(ours, theirs)
    assert history["loss"] == losses
    assert len(history.losses) == 21
    np.testing.assert_allclose(history.rates, [0.01 * (1 + math.cos(math.pi * t / 21)) / 2 for t in range(21)], rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_accumulated_batches_are_one_large_batch(size):
    """The last group is smaller, and so is its last batch: each counts by its examples."""
    many, one = smooth(), smooth()
    for model, batch, accumulate in ((many, 5, size), (one, 5 * size, 1)):
        data = optim.Batches((X.astype(float), Y), batch, seed=1)
        run(model, data=data, optimizer=optim.SGD(model.parameters(), lr=0.5), accumulate=accumulate)
    for a, b in zip(many.parameters(), one.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-11, atol=1e-13)


def test_metrics_of_training_and_validation():
    model = net()
    history = run(model, valid=(X[:20], Y[:20]), metrics={"accuracy": accuracy}, epochs=30)
    assert history.columns == ["loss", "accuracy", "valid loss", "valid accuracy"]
    assert history["valid accuracy"][-1] > 0.9
    seen = evaluate(model, nn.CrossEntropyLoss(), (X[:20], Y[:20]), {"accuracy": accuracy}, batch_size=7)
    np.testing.assert_allclose(seen["loss"], history["valid loss"][-1], rtol=1e-6)
    assert seen["accuracy"] == pytest.approx(history["valid accuracy"][-1])
    assert all(module.training for module in model.modules())


def test_evaluation_is_in_evaluation_mode_and_changes_nothing():
    model = net(dropout=0.5)
    model[1].eval()
    batches = optim.Batches((X, Y), 8)
    before, where = model.state_dict(), batches.state_dict()
    assert evaluate(model, nn.CrossEntropyLoss(), batches) == evaluate(model, nn.CrossEntropyLoss(), batches)
    assert all(before[name].tobytes() == value.tobytes() for name, value in model.state_dict().items())
    assert batches.state_dict() == where
    assert [module.training for module in model] == [True, False, True, True, True]
    assert all(p.grad is None for p in model.parameters())


def test_the_mode_of_each_module_comes_back():
    model = net()
    model[1].eval()
    run(model)
    assert [module.training for module in model] == [True, False, True, True, True]


def test_validation_takes_the_average_of_the_weights():
    model = net()
    ema = optim.EMA(model, decay=0.5)
    history = run(model, ema=ema, valid=(X, Y), epochs=1)
    with ema.applied():
        averaged = evaluate(model, nn.CrossEntropyLoss(), (X, Y))
    assert history["valid loss"] == [averaged["loss"]]
    assert averaged != evaluate(model, nn.CrossEntropyLoss(), (X, Y))


@pytest.mark.parametrize(("every", "last"), [("step", 0.1 * 0.5**6), ("epoch", 0.1 * 0.5**3)])
def test_schedules_step_with_the_optimizer_or_with_the_epoch(every, last):
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.StepLR(optimizer, step_size=1, gamma=0.5)
    run(model, optimizer=optimizer, schedule=schedule, schedule_every=every, data=optim.Batches((X, Y), 25))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(last)


@pytest.mark.parametrize("valid", [None, (X, Y)])
def test_a_plateau_is_looked_for_once_an_epoch(valid):
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=1e-30)
    plateau = optim.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, threshold=0.5, eps=0)
    history = run(model, optimizer=optimizer, schedule=[plateau], valid=valid, epochs=5)
    assert plateau.best == history["valid loss" if valid else "loss"][0]
    assert optimizer.param_groups[0]["lr"] == 0.25e-30


def test_lbfgs_gets_its_closure():
    model = smooth()
    optimizer = optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    history = run(model, data=optim.Batches((X.astype(float), Y), 50), optimizer=optimizer, epochs=8)
    assert history["loss"][-1] < 1e-2 < history["loss"][0]


def test_a_step_of_one_is_the_objective():
    model = smooth()
    batch = (X.astype(float), Y)
    value, output, target = objective(model, nn.CrossEntropyLoss(), batch)
    assert target is Y
    assert output.shape == (50, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    assert train_step(model, nn.CrossEntropyLoss(), [batch], optimizer) == float(value)


@pytest.mark.parametrize(
    ("batch", "inputs", "target"),
    [(("x", "y"), ("x",), "y"), (("x", "z", "y"), ("x", "z"), "y"), ("x", ("x",), "x"), (("x",), (("x",),), ("x",))],
)
def test_what_of_a_batch_goes_where(batch, inputs, target):
    value, output, found = objective(lambda *xs: xs, lambda output, t: (output, t), batch)
    assert (value, output, found) == ((inputs, target), inputs, target)


def test_groups_leave_the_cursor_where_they_are():
    batches = optim.Batches(np.arange(10), 2, shuffle=False)
    taken = [(len(group), batches.batch) for group in groups(batches, 2)]
    assert taken == [(2, 2), (2, 4), (1, 5)]


# --- what ends it ----------------------------------------------------------------------------------------------------------


class Losses(Callback):
    """Puts numbers of a list where the loss of each epoch is."""

    def __init__(self, losses: list[float]) -> None:
        self.losses, self.weights = losses, []

    def after_epoch(self, run: Any) -> None:
        run.history.epochs[-1]["loss"] = self.losses[run.epoch - 1]
        self.weights.append(run.model.state_dict())


@pytest.mark.parametrize(
    ("losses", "options", "epochs", "best"),
    [
        ([3, 2, 1, 1.5, 1.2, 1.1, 0], {"patience": 2}, 5, 2),
        ([3, math.nan, 2, math.nan, math.nan, 0], {"patience": 2}, 5, 2),
        ([math.nan, math.nan, 1], {"patience": 2}, 2, None),
        ([1, 2, 3, 2, 2], {"patience": 2, "mode": "max"}, 5, 2),
        ([3, 2.95, 2.91, 2.8], {"patience": 2, "min_delta": 0.1}, 3, 0),
        ([math.inf, 5, 4], {"patience": 1}, 3, 2),
        ([5, 4, 6], {"patience": 5}, 3, 1),
    ],
)
def test_early_stopping_brings_back_the_best_weights(losses, options, epochs, best):
    model, seen = net(), Losses(losses)
    history = run(model, epochs=len(losses), callbacks=[seen, EarlyStopping(**options)])
    assert len(history) == epochs
    assert bool(history.stopped) == (epochs < len(losses) or options["patience"] == 2)
    expected = seen.weights[-1 if best is None else best]
    for name, value in model.state_dict().items():
        assert value.tobytes() == expected[name].tobytes()


def test_early_stopping_can_leave_the_weights():
    model, seen = net(), Losses([1, 2, 3])
    run(model, callbacks=[seen, EarlyStopping(patience=1, restore=False)])
    assert model.state_dict()["0.weight"].tobytes() == seen.weights[1]["0.weight"].tobytes()


@pytest.mark.parametrize("wrong", [{"patience": 0}, {"mode": "least"}, {"min_delta": -1}, {"min_delta": math.nan}])
def test_early_stopping_tells_wrong_arguments(wrong):
    with pytest.raises(ValueError, match="EarlyStopping"):
        EarlyStopping(**wrong)


def test_a_column_that_is_not_there_is_told():
    with pytest.raises(KeyError, match="no 'f1'; it has 'loss'"):
        run(net(), callbacks=[EarlyStopping(monitor="f1")])


class Interrupts(Callback):
    """Presses Ctrl-C in a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def after_step(self, run: Any) -> None:
        if run.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def test_the_keyboard_ends_a_run_and_loses_nothing(tmp_path):
    whole, stopped = net(dropout=0.3), net(dropout=0.3)
    before = signal.getsignal(signal.SIGINT)
    history = _seeded(whole)
    first = _seeded(stopped, callbacks=[Interrupts(3)], checkpoint=tmp_path)
    assert first.stopped == "by the keyboard"
    assert len(first.losses) == 3
    assert signal.getsignal(signal.SIGINT) is before
    resumed = net(1, dropout=0.3)
    second = _seeded(resumed, callbacks=[Interrupts(-1)], checkpoint=tmp_path)
    assert second.stopped is None
    assert second.state_dict()["losses"].tobytes() == history.state_dict()["losses"].tobytes()
    assert second.epochs == history.epochs
    same(resumed, whole)


def _seeded(model: Any, **options: Any) -> History:
    autograd.random.seed(0)
    return run(model, data=optim.Batches((X, Y), 25, seed=2), **options)


def test_a_second_interrupt_stops_at_once():
    class Twice(Callback):
        def after_step(self, run: Any) -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(net(), callbacks=[Twice()])
    assert signal.getsignal(signal.SIGINT) is before


def test_it_runs_in_a_thread():
    model, other = net(), net()
    thread = threading.Thread(target=run, args=[model])
    thread.start()
    thread.join()
    run(other)
    same(model, other)


def test_a_loss_that_is_no_number_does_not_reach_the_weights(tmp_path):
    model = net()
    x = X.copy()
    x[optim.Batches((X, Y), 10, seed=0).order(0)[45]] = np.nan  # in the last batch
    seen = []
    remember = type("Remember", (Callback,), {"after_step": lambda self, run: seen.append(model.state_dict()["0.weight"])})()
    with pytest.warns(RuntimeWarning, match="the loss of step 5 is nan"):
        history = run(model, data=optim.Batches((x, Y), 10, seed=0), callbacks=[remember], checkpoint=tmp_path)
    assert history.stopped == "the loss of step 5 is nan"
    assert model.state_dict()["0.weight"].tobytes() == seen[-1].tobytes()
    assert len(history.losses) == 4
    assert not list(tmp_path.glob("step-*"))


def test_a_run_that_is_done_is_not_run_again(tmp_path):
    model, again = net(), net(1)
    history = run(model, checkpoint=tmp_path)
    second = run(again, checkpoint=tmp_path)
    assert second.epochs == history.epochs
    same(model, again)


def test_a_run_that_was_stopped_early_stays_stopped(tmp_path):
    histories = []
    for seed in (0, 1):
        model = net(seed)
        callbacks = [Losses([1, 2, 3, 4]), EarlyStopping(patience=2)]
        histories.append((run(model, epochs=4, callbacks=callbacks, checkpoint=tmp_path), model))
    (first, one), (second, two) = histories
    assert len(first) == len(second) == 3
    assert second.stopped == first.stopped
    same(one, two)


def test_another_set_of_callbacks_is_told(tmp_path):
    run(net(), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="0 callbacks, and goes on with 1"):
        run(net(), checkpoint=tmp_path, callbacks=[EarlyStopping()])


# --- wrong use -------------------------------------------------------------------------------------------------------------


def test_an_optimizer_of_another_model_is_told():
    with pytest.raises(GradientError, match="holds no parameter"):
        run(net(), optimizer=optim.SGD(net().parameters(), lr=0.1))


@pytest.mark.parametrize("every", ["step", "epoch"])
def test_a_schedule_of_another_optimizer_is_told(every):
    schedule = optim.StepLR(optim.SGD(net().parameters(), lr=0.1), step_size=1)
    with pytest.raises(ValueError, match=r"StepLR.* is attached to another optimizer"):
        run(net(), schedule=[schedule], schedule_every=every)


def test_a_schedule_around_the_inner_optimizer_is_right():
    model = net()
    inner = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.StepLR(inner, step_size=1, gamma=0.5)
    run(model, optimizer=optim.Lookahead(inner), schedule=schedule, data=optim.Batches((X, Y), 25), epochs=1)
    assert inner.param_groups[0]["lr"] == 0.025


def test_when_a_schedule_steps_is_a_word():
    with pytest.raises(ValueError, match="'step' or 'epoch', not 'steps'"):
        run(net(), schedule_every="steps")


def test_accumulate_is_a_number_of_batches():
    with pytest.raises(ValueError, match="at least 1"):
        run(net(), accumulate=0)


@pytest.mark.parametrize(
    ("output", "target"),
    [
        (np.zeros(3), np.zeros(3, int)),
        (np.zeros((3, 2)), np.zeros(3)),
        (np.zeros((3, 2)), np.zeros((3, 2), int)),
        (np.zeros((3, 2)), np.zeros(4, int)),
    ],
)
def test_accuracy_tells_what_it_cannot_compare(output, target):
    with pytest.raises(ShapeError, match="accuracy"):
        accuracy(output, target)


def test_accuracy_over_places():
    output = np.moveaxis(np.eye(4)[np.array([[0, 1, 2], [3, 0, 0]])], -1, 1)
    assert accuracy(Tensor(output), np.array([[0, 1, 2], [3, 0, 1]])) == pytest.approx(5 / 6)


# --- what is seen ----------------------------------------------------------------------------------------------------------


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_lines_where_there_is_no_terminal():
    out = io.StringIO()
    run(net(), callbacks=[Progress(out)], valid=(X, Y))
    lines = out.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "loss 0." in lines[0]
    assert "valid loss 0." in lines[0]


def test_a_bar_for_each_epoch_in_a_terminal():
    out = Screen()
    run(net(), callbacks=[Progress(out)], data=optim.Batches((X, Y), 10))
    text = out.getvalue()
    assert text.count("\n") == 3
    assert "epoch 3/3: 100%" in text
    assert "5/5" in text


def test_one_line_in_a_notebook():
    out = type("OutStream", (Screen,), {"__module__": "ipykernel.iostream"})()
    run(net(), callbacks=[Progress(out)], data=optim.Batches((X, Y), 10))
    assert out.getvalue().count("\n") == 1
    assert "15/15" in out.getvalue()


def test_progress_tells_where_it_goes_on_and_why_it_stops(tmp_path, capsys):
    data = optim.Batches((X, Y), 10)
    run(net(), data=data, checkpoint=tmp_path, callbacks=[Interrupts(7)], progress=True)
    assert "stopped: by the keyboard" in capsys.readouterr().out
    run(net(), data=optim.Batches((X, Y), 10), checkpoint=tmp_path, callbacks=[Interrupts(-1)], progress=True)
    assert "goes on after step 7, epoch 1 of 3" in capsys.readouterr().out


@pytest.mark.slow
def test_the_history_is_drawn(tmp_path):
    history = run(net(), valid=(X, Y), metrics={"accuracy": accuracy})
    figure = history.plot(tmp_path / "history.png")
    assert [panel.get_title() for panel in figure.axes] == ["loss", "accuracy", "learning rate"]
    assert [line.get_label() for line in figure.axes[1].lines] == ["training", "validation"]
    assert (tmp_path / "history.png").stat().st_size > 5000


def test_a_column_that_came_late_is_nan_before():
    history = History()
    history.add_epoch({"loss": 1.0})
    history.add_epoch({"loss": 1.0, "valid loss": 2.0})
    assert math.isnan(history["valid loss"][0])
    assert history["valid loss"][1] == 2.0
    with pytest.raises(KeyError, match="'f1'; it has 'loss', 'valid loss'"):
        history["f1"]
