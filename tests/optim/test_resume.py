"""A run that is killed at any moment, and started again, ends as one that was never killed: equal to the last bit.

The runs are processes of their own, and SIGKILL is what ends them: at any line of Python between two steps, with a file half
written, before and after a file gets its name, before and after an old one goes.
"""

import collections
import json
import os
import random
import signal
import subprocess
import sys

import pytest

import autograd
from autograd import files
from optim.checkpoint import Checkpoints, read_checkpoint

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")

CHILD = '''
"""python child.py fit|loop FOLDER EPOCHS PLANS: trains, life after life, each going on where the last was killed.

Every plan is a process of its own that kills itself as the plan says. A fork, for importing takes longer than living.
"""

import json, os, random, signal, sys
import numpy as np
import safetensors.numpy
import autograd, nn, optim
from autograd import files
from optim import checkpoint
from optim.averages import EMA
from optim.callbacks import EarlyStopping
from optim.checkpoint import Checkpoints
from optim.history import History
from optim.training import fit

kind, folder, epochs, plans = sys.argv[1:]
ticks = 0


def die(frame):
    inside = False
    while frame is not None:
        inside = inside or frame.f_code is files.write.__code__
        frame = frame.f_back
    with open(folder + "/../log", "a") as log:
        log.write(json.dumps({**plan, "inside": inside}) + chr(10))
    os.kill(os.getpid(), signal.SIGKILL)


def tick(frame, event, _):
    global ticks
    ticks += 1
    if ticks == plan.get("at"):
        sys.settrace(None)
        die(frame)
    return tick


def torn(arrays, path, notes):
    content = safetensors.numpy.save(arrays, notes)
    with open(path, "wb") as file:
        file.write(content[: int(len(content) * plan["at"])])
    die(sys._getframe())


def dying(function, when):
    """The function, whose call of a number is the last thing that happens, or is just not reached."""
    calls = [0]

    def wrapped(*arguments):
        calls[0] += 1
        if calls[0] == plan["at"] and when == "before":
            die(sys._getframe())
        result = function(*arguments)
        if calls[0] == plan["at"]:
            die(sys._getframe())
        return result

    return wrapped


def arm():
    if plan["how"] in ("tick", "count"):
        frame = sys._getframe()
        while frame is not None:
            frame.f_trace = tick
            frame = frame.f_back
        sys.settrace(tick)
    elif plan["how"] == "torn":
        files.safetensors.numpy.save_file = torn
    elif plan["how"] != "never":
        function, when = plan["how"].split()
        setattr(os, function, dying(getattr(os, function), when))


class Noisy(nn.Module):
    """Draws from every stream there is."""

    def __init__(self):
        self.rng = np.random.Generator(np.random.MT19937(4))

    def forward(self, x):
        noise = self.rng.normal() + random.gauss(0, 1) + np.random.mtrand.normal()
        return x + 0.1 * noise if self.training else x


def made():
    autograd.random.seed(0)
    random.seed(1)
    np.random.mtrand.seed(2)
    data = np.random.default_rng(3)
    x = data.normal(size=(38, 5)).astype(np.float32)
    y = x[:, :1] * x[:, 1:2]
    model = nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), Noisy(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)
    )
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    return {
        "model": model,
        "optimizer": optimizer,
        "schedule": optim.CosineAnnealingLR(optimizer, 300),
        "ema": EMA(model, 0.9),
        "batches": optim.Batches((x[:30], y[:30]), 5, seed=5),
    }, (x[30:], y[30:])


def by_fit(parts, valid, checkpoints):
    history = fit(
        parts["model"], nn.MSELoss(), parts["batches"], parts["optimizer"], int(epochs), valid=valid,
        schedule=parts["schedule"], clip=1.0, ema=parts["ema"], callbacks=[EarlyStopping(patience=10**6)],
        checkpoint=checkpoints, progress=False,
    )
    return {**parts, "history": history}


def by_hand(parts, valid, checkpoints):
    parts = {**parts, "history": History()}
    model, optimizer, batches, history = (parts[name] for name in ("model", "optimizer", "batches", "history"))
    loss = nn.MSELoss()
    step = checkpoints.restore(parts) or 0
    while batches.epoch < int(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            value = loss(model(x), y)
            value.backward()
            optimizer.step()
            parts["schedule"].step()
            parts["ema"].update()
            history.add_step(value.item(), optimizer.param_groups[0]["lr"])
            step += 1
            if step % 2 == 0:
                checkpoints.save(parts, step, value.item())
    return parts


steps = [0]
step = optim.Adam.step


def stepped(self, *arguments):
    steps[0] += 1
    if steps[0] == plan.get("after"):
        arm()
    return step(self, *arguments)


def live():
    optim.Adam.step = stepped
    if plan.get("after") == 0:
        arm()
    parts, valid = made()
    parts = {"fit": by_fit, "loop": by_hand}[kind](parts, valid, Checkpoints(folder, keep=2, every=2))
    sys.settrace(None)
    Checkpoints(folder + "-end").save(parts, 0)
    print(steps[0], ticks, flush=True)


for plan in json.loads(plans):
    life = os.fork()
    if life == 0:
        live()
        sys.exit()
    end = os.waitstatus_to_exitcode(os.waitpid(life, 0)[1])
    if end == -signal.SIGKILL:
        print("killed", flush=True)
    elif end:
        sys.exit(end)
'''


NEVER = {"how": "never"}


def lives(folder, kind, epochs, *plans, warns=False):
    """One process that trains for each plan; of each what it printed if it came to the end, or ["killed"]."""
    (folder.parent / "child.py").write_text(CHILD)
    root = os.path.dirname(os.path.dirname(autograd.__file__))
    strict = [] if warns else ["-W", "error"]
    done = subprocess.run(
        [sys.executable, *strict, str(folder.parent / "child.py"), kind, str(folder), str(epochs), json.dumps(plans)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},  # a process with threads is not to fork
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = [line.split() for line in done.stdout.splitlines()]
    return (ends, done.stderr) if warns else ends


def plans(kills, line_events, seed):
    """In which way, after how many steps, and where exactly each life ends."""
    draw = random.Random(seed)
    calls = [f"{function} {when}" for function in ("replace", "remove") for when in ("before", "after")]
    ways = [*["tick"] * 5, *["torn"] * 2, None, None]
    at = {"tick": lambda: draw.randrange(1, int(1.3 * line_events)), "torn": draw.random}
    for i in range(kills):
        how = ways[i % len(ways)] or calls[draw.randrange(4)]
        yield {"how": how, "after": draw.randrange(6), "at": at.get(how, lambda: draw.randrange(1, 3))()}


def everything(folder):
    """All files of a folder, as their arrays and notes. The order of the notes in a file is by chance."""
    found = {name: files.read(folder / name) for name in sorted(os.listdir(folder))}
    return {
        name: ({key: (array.dtype, array.shape, array.tobytes()) for key, array in arrays.items()}, notes)
        for name, (arrays, notes) in found.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "epochs", "kills"), [("fit", 20, 50), ("loop", 8, 15)])
def test_a_run_that_is_killed_ends_as_one_that_is_not(tmp_path, kind, epochs, kills):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    [[steps, line_events]] = lives(straight, kind, epochs, {"how": "count", "after": 1})
    steps = int(steps)
    assert steps == 6 * epochs

    several = list(plans(kills, int(line_events) // steps, seed=len(kind)))
    ends = lives(broken, kind, epochs, *several)
    assert ends == [["killed"]] * kills, f"was done before it was killed {kills} times"
    last = read_checkpoint(Checkpoints(broken).last)["step"]
    assert 0 < last < steps
    [[rest, _]] = lives(broken, kind, epochs, NEVER)
    assert int(rest) == steps - last

    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    ways = collections.Counter(kill["how"] for kill in log)
    inside = sum(kill["inside"] for kill in log)
    print(f"{kind}: {len(log)} kills, {inside} within autograd.files.write, at step {last} of {steps} in the end; {dict(ways)}")
    assert len(log) == kills
    assert inside >= kills // 5

    assert everything(broken) == everything(straight)
    assert everything(tmp_path / "broken-end") == everything(tmp_path / "straight-end")
    assert len(everything(straight)) == 3  # two steps, and the best


@pytest.mark.slow
def test_a_run_whose_newest_file_is_damaged_goes_on_from_the_one_before(tmp_path):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    lives(straight, "loop", 3, NEVER)
    assert lives(broken, "loop", 3, {"how": "tick", "after": 9, "at": 1}) == [["killed"]]
    newest = Checkpoints(broken).last
    with open(newest, "rb+") as file:
        content = file.read()
        file.seek(len(content) - 1)
        file.write(bytes([content[-1] ^ 1]))
    [[rest, _]], told = lives(broken, "loop", 3, NEVER, warns=True)
    assert "RuntimeWarning" in told
    assert "step-000000008.safetensors is damaged" in told
    assert int(rest) == 18 - 6
    assert everything(tmp_path / "broken-end") == everything(tmp_path / "straight-end")
