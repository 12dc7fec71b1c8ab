"""Graphs made by hand, for tests of what draws them."""

import random

import numpy as np

from autograd.viz.model import Box, Edge, GraphData, Group, Stats

HOSTILE = [
    "a < b & c > d \"e\" 'f'",
    "</script><script>alert(1)</script>",
    "]]> &amp; &#65; &lt;",
    "two\nlines\r\tand a \x00 control \x1b[31m",
    "<b>bold</b>",
    "<>",
    "ends in \\",
    "\\N \\G \\l \\\\",
    "$x^2$ and $",
    "$\\frac$",
    "длина 長さ طول 😀",
    "lone \ud800 surrogate",
    "b0",
    "node",
    "a:b:n",
    "",
]


def expression() -> GraphData:
    """L = (a * b + c) * f, after a backward pass."""
    rows = [
        ("a", "", 2.0, 6.0),
        ("b", "", -3.0, -4.0),
        ("c", "", 10.0, -2.0),
        ("f", "", -2.0, 4.0),
        ("e", "multiply", -6.0, -2.0),
        ("d", "add", 4.0, -2.0),
        ("L", "multiply", -8.0, 1.0),
    ]
    boxes = [
        Box(
            i,
            op,
            "op" if op else "input",
            name,
            dtype="float",
            value=value,
            gradient=gradient,
            wanted=True,
            is_output=name == "L",
        )
        for i, (name, op, value, gradient) in enumerate(rows)
    ]
    edges = [(0, 4, 0, -3.0), (1, 4, 1, 2.0), (4, 5, 0, 1.0), (2, 5, 1, 1.0), (5, 6, 0, -2.0), (3, 6, 1, 4.0)]
    return GraphData(boxes, [Edge(a, b, slot, "xw"[slot], slope) for a, b, slot, slope in edges], title="L")


def network(layers: int = 2) -> GraphData:
    """Blocks with a residual connection, in modules, with statistics; the input of each block is read twice."""
    graph = GraphData(title="Network", notes=["Made by hand."])
    graph.groups.append(Group(0, "", "Network"))

    def box(op: str, inputs: list[int], group: int | None, name: str = "", kind: str = "op") -> int:
        number = len(graph.boxes)
        told = Stats.of(np.linspace(-1, 1, 8) * (number + 1))
        graph.boxes.append(Box(number, op, kind, name, group, "forward", (2, 4), "float32", values=told, gradients=told))  # type: ignore[arg-type]
        graph.edges.extend(Edge(source, number, slot, "xwb"[slot]) for slot, source in enumerate(inputs))
        return number

    x = box("", [], None, "x", "input")
    for i in range(layers):
        block, linear = len(graph.groups), len(graph.groups) + 1
        graph.groups += [Group(block, f"blocks.{i}", "Block", 0), Group(linear, f"blocks.{i}.linear", "Linear", block, 1, 20)]
        weight = box("", [], linear, f"blocks.{i}.linear.weight", "parameter")
        y = box("linear", [x, weight], linear)
        x = box("add", [x, box("tanh", [y], block)], block)
    graph.boxes[box("multiply", [x, x], None)].is_output = True
    return graph


def failed() -> GraphData:
    """A matmul that raised, of two values whose axes clash."""
    boxes = [
        Box(0, "", "input", "x", shape=(2, 3), dtype="float32", marks=("clash: axis 1",)),
        Box(1, "", "parameter", "w", shape=(2, 3), dtype="float32", marks=("clash: axis 0",)),
        Box(2, "matmul", error="the last axis of x has length 3,\nand the last but one of w 2", marks=("failed",)),
    ]
    return GraphData(boxes, [Edge(0, 2, 0, "x"), Edge(1, 2, 1, "w", marks=("clash: axis 0",))], title="f")


def chain(n: int, hub: int = 0, kind: str = "op") -> GraphData:
    """A long chain; with `hub` its first value is read by every so many of the others."""
    boxes = [
        Box(i, "tanh" if i else "", "op" if i else "input", "" if i else "x", shape=(8,), dtype="float64") for i in range(n)
    ]
    boxes[0].kind = kind  # type: ignore[assignment]
    boxes[0].op = "first" if kind == "op" else ""
    edges = [Edge(i, i + 1, 0, "x") for i in range(n - 1)]
    return GraphData(boxes, edges + [Edge(0, i, 1, "w") for i in range(3, n, hub)] if hub else edges, title=f"chain of {n}")


def wild(seed: int, n: int = 40, groups: int = 8) -> GraphData:
    """Anything that GraphData may be, hostile texts included."""
    r = random.Random(seed)
    graph = GraphData(title=r.choice(HOSTILE), notes=[r.choice(HOSTILE)])
    for i in range(groups):
        graph.groups.append(Group(i, r.choice(HOSTILE), r.choice(HOSTILE), r.choice([None, *range(i)]), r.randint(1, 2)))
    for i in range(n):
        kind = r.choice(["op"] * 6 + ["parameter", "constant", "input"]) if i else "input"
        op = r.choice(["add", "matmul", r.choice(HOSTILE) or "sum"]) if kind == "op" else ""
        box = Box(i, op, kind, r.choice(HOSTILE), r.choice([None, *range(groups)]), dtype="float32")
        box.shape = tuple(r.choices([1, 3, 128], k=r.randint(0, 3)))
        box.value = r.choice([None, float("nan"), float("inf"), 0.5]) if not box.shape else None
        box.gradient = r.choice([None, 0.0, 1e-30]) if not box.shape else None
        box.marks = tuple(
            r.sample(["failed", "reached", "origin", "clash: axis 0", r.choice(HOSTILE) or "x"], r.choice([0, 0, 0, 2]))
        )
        box.error = r.choice([None, None, r.choice(HOSTILE)])
        box.is_output = r.random() < 0.1
        graph.boxes.append(box)
        for slot in range(r.randint(1, 3) if kind == "op" else 0):
            graph.edges.append(Edge(r.randrange(i), i, slot, "xwb"[slot], r.choice([None, 2.0]), r.choice([(), ("added",)])))
    graph.check()
    return graph
