"""What runs in the process of one library: `python child.py MEASURE STEP LIBRARY OPTIONS WARM_UP` (the last two in JSON).

It prints one JSON line when it is ready, and then one with a figure for each line that it reads. It stands on the standard
library alone and runs under the interpreter of the peer. Importing little up front keeps the measure of imports honest: what
is loaded already costs nothing.
"""

import sys
from time import perf_counter

ROUND_SECONDS = 0.1


def time_of(step):
    """Median time of a call in us, over as many calls as fit into a round."""
    times = []
    end = perf_counter() + ROUND_SECONDS
    while True:
        start = perf_counter()
        step()
        now = perf_counter()
        times.append(now - start)
        if now > end:
            return sorted(times)[len(times) // 2] * 1e6


def memory_of(prepare, options, warm_up):
    """How far resident memory rises above its level before the step, in MB, after a small step that loads what is lazy."""
    import gc

    prepare(**warm_up)()
    step = prepare(**options)
    gc.collect()
    before = resident()
    forget_peak()
    step()
    return (peak() - before) / 2**20


def arrays_of(prepare, options, warm_up):
    """The same, as tracemalloc counts it."""
    import gc
    import tracemalloc

    prepare(**warm_up)()
    step = prepare(**options)
    gc.collect()
    tracemalloc.start()
    step()
    return tracemalloc.get_traced_memory()[1] / 2**20


def import_of(prepare):
    """Time of the import in ms."""
    start = perf_counter()
    prepare()
    return (perf_counter() - start) * 1e3


# --- resident memory -------------------------------------------------------------------------------------------------------


def resident():
    """Resident memory now, in bytes; where the system does not tell, its peak so far, which is not far above it."""
    return status("VmRSS") or peak()


def peak():
    """Peak of resident memory, in bytes."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak():
    """Lets the peak count from here, which Linux can do."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def status(name):
    """A line of /proc/self/status in bytes, or None."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name + ":"))
    except OSError:
        return None


# --- the protocol ----------------------------------------------------------------------------------------------------------


def main(measure, step, library, options, warm_up):
    prepare = getattr(__import__(f"steps.{step}", fromlist=["*"]), f"with_{library}")
    if measure == "import":
        figure = import_of(prepare)
    import json

    options, warm_up = json.loads(options), json.loads(warm_up)
    if measure == "time":
        run = prepare(**options)
        time_of(run)  # the first round warms up
    print('{"ready": true}', flush=True)
    for _ in sys.stdin:
        if measure == "time":
            figure = time_of(run)
        elif measure == "memory":
            figure = memory_of(prepare, options, warm_up)
        elif measure == "arrays":
            figure = arrays_of(prepare, options, warm_up)
        print(json.dumps({"figure": figure}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
