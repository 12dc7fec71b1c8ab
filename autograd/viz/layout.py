"""Where everything stands: a layered layout of each level, innermost first.

Ranks along the direction, order in a rank by barycentres, coordinates by Brandes and Koepf, "Fast and simple horizontal
coordinate assignment" (2002), with the shifts that ports need. Three things are done beyond the books: ranks are tightened
towards what reads a value, long links are kept straight before short ones, and all links out of one place share one trunk, so
that a value that is read a thousand times costs one line and not a thousand. Stands on view.py; knows no graph, no colours and
no file format.
page/layout.js is the same in JavaScript, line for line; a test holds the coordinates equal. Nothing here calls itself.
"""

import itertools
import math

from autograd.viz.view import Item, Level, Link

HEAD, PAD = 30.0, 18.0  # of an open group: above what is inside for its name, and around
GAP, NARROW = 24.0, 12.0  # between neighbours in a rank: boxes, and where one is a passing line or a chip
RANK_GAP, RIGHT_GAP = 30.0, 40.0  # between ranks, at least, in pictures that go down and right
APART = 40.0  # between parts without any link between them
SWEEPS = 12
TRUNKS = 20_000  # passing points that a level may have; the longest links beyond go straight


def place(level: Level, direction: str = "down") -> None:
    """Sets x and y of all items, the points of all links, and width and height of the level and of all levels inside."""
    levels = [level]
    for one in levels:  # grows meanwhile
        levels.extend(item.inner for item in one.items if item.inner is not None)
    for one in reversed(levels):
        _place(one, direction == "right")


def path(points: list[tuple[float, float]], direction: str = "down") -> str:
    """The points of a link as the path of an SVG: a smooth line, along the direction at both ends.

    >>> path([(0.0, 0.0), (0.0, 10.0), (20.0, 30.0)])
    'M0,0V10C0,20 20,20 20,30'
    """
    x, y = points[0]
    parts = [f"M{digits(x)},{digits(y)}"]
    for u, v in points[1:]:
        if direction == "down" and u == x:
            parts.append(f"V{digits(v)}")
        elif direction == "right" and v == y:
            parts.append(f"H{digits(u)}")
        elif direction == "down":
            middle = digits((y + v) / 2)
            parts.append(f"C{digits(x)},{middle} {digits(u)},{middle} {digits(u)},{digits(v)}")
        else:
            middle = digits((x + u) / 2)
            parts.append(f"C{middle},{digits(y)} {middle},{digits(v)} {digits(u)},{digits(v)}")
        x, y = u, v
    return "".join(parts)


def digits(x: float) -> str:
    """A coordinate as text, as JavaScript writes it.

    >>> digits(1234567.0), digits(0.5)
    ('1234567', '0.5')
    """
    return str(int(x)) if x == int(x) else repr(x)


class _Arc:
    """A link as the layout sees it: forward, between places in the list of items, with where it leaves and arrives."""

    __slots__ = ("arrives", "leaves", "link", "source", "target", "via")

    def __init__(self, link: Link, source: int, target: int, leaves: float, arrives: float) -> None:
        self.link, self.source, self.target, self.leaves, self.arrives = link, source, target, leaves, arrives
        self.via: list[int] = []  # the passing points, from source to target


class _Part:
    """Items that hang together, and what becomes of them: nodes are items, then passing points of long links.

    `across` are middles; `tops` and `bottoms` are those of ranks. In a picture that goes right, across is y.
    """

    def __init__(self, items: list[int], arcs: list[_Arc]) -> None:
        self.items, self.arcs = items, arcs
        self.rank: list[int] = []
        self.layers: list[list[int]] = []
        self.wide: list[float] = []
        self.high: list[float] = []
        self.small: list[bool] = []
        self.made: list[bool] = []
        self.above: list[list[tuple[int, float, float]]] = []  # by node: (node, shift there, shift here)
        self.below: list[list[tuple[int, float, float]]] = []
        self.across: list[float] = []
        self.tops: list[float] = []
        self.bottoms: list[float] = []
        self.gap = RANK_GAP
        self.left = self.top = self.width = self.height = 0.0


def _place(level: Level, sideways: bool) -> None:
    for item in level.items:
        if item.inner is not None:
            _frame(item, item.inner)
    arcs = _arcs(level, sideways)
    _turn_back(len(level.items), arcs)
    parts = _parts(level.items, arcs)
    for part in parts:
        _lay_out(part, level.items, sideways)
    width, height = _pack(parts, level.items)
    _write(level, parts, sideways, width, height)


def _frame(item: Item, inner: Level) -> None:
    item.width = max(item.width, inner.width + 2 * PAD)
    item.height = inner.height + HEAD + PAD
    inner.x, inner.y = (item.width - inner.width) / 2, HEAD


def _arcs(level: Level, sideways: bool) -> list[_Arc]:
    number = {item.key: i for i, item in enumerate(level.items)}
    ports: dict[str, dict[str, Item]] = {}
    for item in level.items:
        if item.inner is not None:
            ports[item.key] = {port.key: port for port in item.inner.items if port.kind == "port"}
    arcs = []
    for link in level.links:
        source, target = number[link.source], number[link.target]
        leaves = _shift(level.items[source], ports, link.value, sideways)
        arrives = _shift(level.items[target], ports, link.value, sideways)
        arcs.append(_Arc(link, source, target, leaves, arrives))
    return arcs


def _shift(item: Item, ports: dict[str, dict[str, Item]], value: int | None, sideways: bool) -> float:
    """How far from the middle of the item a link to its port for the value meets its border."""
    if item.inner is None:
        return 0.0
    port = ports[item.key][f"p{item.number}.{value}"]
    if sideways:
        return item.inner.y + port.y + port.height / 2 - item.height / 2
    return item.inner.x + port.x + port.width / 2 - item.width / 2


# -------------------------------------------------------------------------------------------------------------- directions


def _turn_back(n: int, arcs: list[_Arc]) -> None:
    """Turns arcs that run against the order of the items on a circle, so that no circle is left; links say so in `back`."""
    for arc in arcs:
        arc.link.back = False
    circle = _circles(n, arcs)
    for arc in arcs:
        if circle[arc.source] == circle[arc.target] and arc.source > arc.target:
            arc.link.back = True
            arc.source, arc.target, arc.leaves, arc.arrives = arc.target, arc.source, arc.arrives, arc.leaves


def _circles(n: int, arcs: list[_Arc]) -> list[int]:
    """By item: a number that those share which can be reached from one another (Tarjan, without recursion)."""
    outward: list[list[int]] = [[] for _ in range(n)]
    for arc in arcs:
        outward[arc.source].append(arc.target)
    seen, low, found = [-1] * n, [0] * n, [-1] * n
    stack: list[int] = []
    clock = 0
    for start in range(n):
        if seen[start] >= 0:
            continue
        trail = [(start, 0)]
        while trail:
            node, i = trail.pop()
            if i == 0:
                seen[node] = low[node] = clock
                clock += 1
                stack.append(node)
            elif found[outward[node][i - 1]] < 0:
                low[node] = min(low[node], low[outward[node][i - 1]])
            while i < len(outward[node]):
                other = outward[node][i]
                i += 1
                if seen[other] < 0:
                    trail.append((node, i))
                    trail.append((other, 0))
                    break
                if found[other] < 0:
                    low[node] = min(low[node], low[other])
            else:
                if low[node] == seen[node]:
                    while found[node] < 0:
                        found[stack.pop()] = node
    return found


def _parts(items: list[Item], arcs: list[_Arc]) -> list[_Part]:
    """What hangs together, with all that hangs on a port as one, first; then the highest first to come, as the items do."""
    beside: list[list[int]] = [[] for _ in items]
    for arc in arcs:
        beside[arc.source].append(arc.target)
        beside[arc.target].append(arc.source)
    ports = [i for i, item in enumerate(items) if item.kind == "port"]
    for port in ports[1:]:
        beside[ports[0]].append(port)
        beside[port].append(ports[0])
    part_of = [-1] * len(items)
    members: list[list[int]] = []
    for start in ports[:1] + list(range(len(items))):
        if part_of[start] >= 0:
            continue
        part_of[start] = len(members)
        found = [start]
        for node in found:  # grows meanwhile
            for other in beside[node]:
                if part_of[other] < 0:
                    part_of[other] = len(members)
                    found.append(other)
        members.append(sorted(found))
    theirs: list[list[_Arc]] = [[] for _ in members]
    for arc in arcs:
        theirs[part_of[arc.source]].append(arc)
    return [_Part(found, some) for found, some in zip(members, theirs, strict=True)]


# ------------------------------------------------------------------------------------------------------------------- ranks


def _lay_out(part: _Part, items: list[Item], sideways: bool) -> None:
    place_of = {item: i for i, item in enumerate(part.items)}
    for arc in part.arcs:
        arc.source, arc.target = place_of[arc.source], place_of[arc.target]
    for i in part.items:
        item = items[i]
        part.wide.append(item.height if sideways else item.width)
        part.high.append(item.width if sideways else item.height)
        part.small.append(item.kind in ("chip", "port"))
        part.made.append(item.made)
    part.gap = RIGHT_GAP if sideways else RANK_GAP
    _rank(part, [items[i] for i in part.items])
    _trunks(part)
    _order(part)
    _coordinates(part)


def _rank(part: _Part, items: list[Item]) -> None:
    n = len(items)
    outward: list[list[int]] = [[] for _ in range(n)]
    incoming = [0] * n
    for arc in part.arcs:
        outward[arc.source].append(arc.target)
        incoming[arc.target] += 1
    waiting, held, rank = incoming[:], incoming[:], [0] * n
    order = [i for i in range(n) if not incoming[i]]
    for node in order:  # grows meanwhile
        for other in outward[node]:
            rank[other] = max(rank[other], rank[node] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    last = max(rank)
    for arc in part.arcs:  # what only this node reads moves with it, and so holds it nowhere
        if not incoming[arc.source] and len(outward[arc.source]) == 1 and items[arc.source].kind != "port":
            held[arc.target] -= 1
    for node in reversed(order):
        if items[node].kind == "port":
            rank[node] = 0 if items[node].enters else last
        elif outward[node] and held[node] <= len(outward[node]):
            rank[node] = min([rank[other] for other in outward[node]]) - 1
    used = {rank_: i for i, rank_ in enumerate(sorted(set(rank)))}
    part.rank = [used[rank_] for rank_ in rank]


def _trunks(part: _Part) -> None:
    """Passing points in every rank that a long link goes through; links from one place share them."""
    n = len(part.items)
    part.above, part.below = [[] for _ in range(n)], [[] for _ in range(n)]
    reach: dict[tuple[int, float], int] = {}
    for arc in part.arcs:
        place_ = (arc.source, arc.leaves)
        reach[place_] = max(reach.get(place_, 0), part.rank[arc.target])
    budget = TRUNKS
    trunks: dict[tuple[int, float], list[int]] = {}
    for place_ in sorted(reach, key=lambda place_: (reach[place_] - part.rank[place_[0]], place_)):
        length = reach[place_] - part.rank[place_[0]] - 1
        budget -= length
        if budget >= 0:
            trunks[place_] = []
    for arc in part.arcs:
        span = part.rank[arc.target] - part.rank[arc.source]
        trunk = trunks.get((arc.source, arc.leaves))
        if trunk is None and span > 1:
            continue
        while trunk is not None and len(trunk) < span - 1:
            _lengthen(part, trunk, arc)
        arc.via = trunk[: span - 1] if trunk else []
        before, leaves = (arc.via[-1], 0.0) if arc.via else (arc.source, arc.leaves)
        part.below[before].append((arc.target, arc.arrives, leaves))
        part.above[arc.target].append((before, leaves, arc.arrives))


def _lengthen(part: _Part, trunk: list[int], arc: _Arc) -> None:
    new = len(part.wide)
    before, leaves = (trunk[-1], 0.0) if trunk else (arc.source, arc.leaves)
    part.wide.append(0.0)
    part.high.append(0.0)
    part.small.append(True)
    part.made.append(part.made[before])
    part.rank.append(part.rank[before] + 1)
    part.above.append([(before, leaves, 0.0)])
    part.below.append([])
    part.below[before].append((new, 0.0, leaves))
    trunk.append(new)


# ------------------------------------------------------------------------------------------------------------------- order


def _order(part: _Part) -> None:
    """The order in each rank: first as a walk finds the nodes, then by barycentres of either side, while it helps."""
    _first_order(part)
    position = [0] * len(part.wide)
    for layer in part.layers:
        for i, node in enumerate(layer):
            position[node] = i
    best, fewest, idle = [layer[:] for layer in part.layers], _crossings(part, position), 0
    for sweep in range(SWEEPS):
        if not fewest or idle == 4:
            break
        down = sweep % 2 == 0
        for layer in part.layers if down else reversed(part.layers):
            _by_barycentre(layer, part.above if down else part.below, position)
        now = _crossings(part, position)
        idle += 1
        if now < fewest:
            best, fewest, idle = [layer[:] for layer in part.layers], now, 0
    part.layers = best


def _first_order(part: _Part) -> None:
    n = len(part.wide)
    part.layers = [[] for _ in range(max(part.rank) + 1)]
    seen = [False] * n
    for start in sorted(range(len(part.items)), key=lambda node: (part.rank[node], node)):
        stack = [start]
        while stack:
            node = stack.pop()
            if seen[node]:
                continue
            seen[node] = True
            part.layers[part.rank[node]].append(node)
            stack.extend(other for other, _, _ in reversed(part.below[node]) if not seen[other])


def _by_barycentre(layer: list[int], beside: list[list[tuple[int, float, float]]], position: list[int]) -> None:
    """Sorts those that have neighbours by the mean of their positions; the others stay where they are."""
    moved = []
    for node in layer:
        if beside[node]:
            total = 0
            for other, _, _ in beside[node]:
                total += position[other]
            moved.append((total / len(beside[node]), position[node], node))
    moved.sort()
    next_moved = 0
    for i, node in enumerate(layer):
        if beside[node]:
            layer[i] = moved[next_moved][2]
            next_moved += 1
    for i, node in enumerate(layer):
        position[node] = i


def _crossings(part: _Part, position: list[int]) -> int:
    total = 0
    for layer in part.layers[:-1]:
        ends = []
        for node in layer:
            some = [position[other] for other, _, _ in part.below[node]]
            some.sort()
            ends.extend(some)
        if len(ends) > 1:
            total += _inversions(ends)
    return total


def _inversions(ends: list[int]) -> int:
    """How many pairs are in the wrong order, by a tree of counts."""
    size = max(ends) + 1
    counts, total = [0] * (size + 1), 0
    for seen, end in enumerate(ends):
        smaller, i = 0, end + 1
        while i > 0:
            smaller += counts[i]
            i -= i & -i
        total += seen - smaller
        i = end + 1
        while i <= size:
            counts[i] += 1
            i += i & -i
    return total


# ------------------------------------------------------------------------------------------------------------- coordinates


def _coordinates(part: _Part) -> None:
    crossing = _crossing_trunks(part)
    found = [_one_side(part, crossing, up, left) for up in (True, False) for left in (True, False)]
    edges = [_extent(part, xs) for xs in found]
    narrowest = 0
    for i in range(1, 4):
        if edges[i][1] - edges[i][0] < edges[narrowest][1] - edges[narrowest][0]:
            narrowest = i
    for i, (low, high) in enumerate(edges):  # those to the left meet at the left, those to the right at the right
        shift = edges[narrowest][0] - low if i % 2 == 0 else edges[narrowest][1] - high
        found[i] = [x + shift for x in found[i]]
    for node in range(len(part.wide)):
        four = sorted(xs[node] for xs in found)
        part.across.append(math.floor((four[1] + four[2]) / 2 + 0.5))
    low, high = _extent(part, part.across)
    part.across = [x - low for x in part.across]
    part.width = high - low
    _depths(part)


def _extent(part: _Part, xs: list[float]) -> tuple[float, float]:
    low, high = math.inf, -math.inf
    for node, x in enumerate(xs):
        low, high = min(low, x - part.wide[node] / 2), max(high, x + part.wide[node] / 2)
    return low, high


def _is_trunk(part: _Part, node: int) -> bool:
    return node >= len(part.items)


def _crossing_trunks(part: _Part) -> set[tuple[int, int]]:
    """Short links (upper, lower) that cross a trunk: they are not straightened."""
    crossing: set[tuple[int, int]] = set()
    position = [0] * len(part.wide)
    for layer in part.layers:
        for i, node in enumerate(layer):
            position[node] = i
    for upper, lower in itertools.pairwise(part.layers):
        left, scanned = 0, 0
        for i, node in enumerate(lower):
            trunk = -1
            if _is_trunk(part, node) and _is_trunk(part, part.above[node][0][0]):
                trunk = position[part.above[node][0][0]]
            if trunk < 0 and i < len(lower) - 1:
                continue
            right = trunk if trunk >= 0 else len(upper)
            for other in lower[scanned : i + 1]:
                for above, _, _ in part.above[other]:
                    both = _is_trunk(part, other) and _is_trunk(part, above)
                    if not both and (position[above] < left or position[above] > right):
                        crossing.add((above, other))
            left, scanned = (trunk if trunk >= 0 else left), i + 1
    return crossing


def _one_side(part: _Part, crossing: set[tuple[int, int]], up: bool, left: bool) -> list[float]:
    """Coordinates with nodes aligned with those above (or below), as far left (or right) as they go."""
    layers = part.layers if up else part.layers[::-1]
    if not left:
        layers = [layer[::-1] for layer in layers]
    side = 1.0 if left else -1.0
    position = [0] * len(part.wide)
    for layer in layers:
        for i, node in enumerate(layer):
            position[node] = i
    root, shift = _align(part, layers, position, crossing, up, side)
    xs = _compact(part, layers, root, shift)
    return [side * x for x in xs]


def _align(
    part: _Part, layers: list[list[int]], position: list[int], crossing: set[tuple[int, int]], up: bool, side: float
) -> tuple[list[int], list[float]]:
    """For each node the first of its straight line, and how far from it it stands."""
    n = len(part.wide)
    root, shift, taken = list(range(n)), [0.0] * n, [False] * n
    beside, onward = (part.above, part.below) if up else (part.below, part.above)
    kept = [max([_weight(part, other) for other, _, _ in near], default=0) for near in onward]  # for what weighs most
    for layer in layers[1:]:
        reached = -1
        for node in layer:
            if not beside[node]:
                continue
            most = max([_weight(part, other) for other, _, _ in beside[node]])
            candidates = [one for one in beside[node] if _weight(part, one[0]) == most]
            near = sorted((position[other], there, here, other) for other, there, here in candidates)
            middle = len(near) - 1
            for i in (middle // 2, (middle + 1) // 2):
                place_, there, here, other = near[i]
                pair = (other, node) if up else (node, other)
                free = not taken[other] and _weight(part, node) >= kept[other]
                if free and root[node] == node and reached < place_ and pair not in crossing:
                    taken[other] = True
                    root[node] = root[other]
                    shift[node] = shift[other] + side * (there - here)
                    reached = place_
    return root, shift


def _weight(part: _Part, node: int) -> int:
    """What a straight line to it matters: most to a long link, not at all to what no op made."""
    if not part.made[node]:
        return 0
    return 2 if _is_trunk(part, node) else 1


def _compact(part: _Part, layers: list[list[int]], root: list[int], shift: list[float]) -> list[float]:
    """Straight lines as far left as their neighbours let them, then each as far right as is free."""
    n = len(root)
    after: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    waiting = [0] * n
    for layer in layers:
        for one, other in itertools.pairwise(layer):
            gap = NARROW if part.small[one] or part.small[other] else GAP
            apart = part.wide[one] / 2 + part.wide[other] / 2 + gap + shift[one] - shift[other]
            after[root[one]].append((root[other], apart))
            waiting[root[other]] += 1
    order = [node for layer in layers for node in layer if root[node] == node and not waiting[node]]
    xs = [0.0] * n
    for node in order:  # grows meanwhile
        for other, apart in after[node]:
            xs[other] = max(xs[other], xs[node] + apart)
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    for node in reversed(order):
        if after[node]:
            xs[node] = max(xs[node], min([xs[other] - apart for other, apart in after[node]]))
    return [xs[root[node]] + shift[node] for node in range(n)]


def _depths(part: _Part) -> None:
    """Where each rank begins and ends: as high as its highest item, the further from the next the wider lines swing."""
    depth = 0.0
    for layer in part.layers:
        high, swing = 0.0, 0.0
        for node in layer:
            high = max(high, part.high[node])
            for other, there, here in part.below[node]:
                swing = max(swing, abs(part.across[other] + there - part.across[node] - here))
        part.tops.append(depth)
        part.bottoms.append(depth + high)
        depth += high + part.gap + math.floor(min(swing, 600.0) / 20)
    part.height = part.bottoms[-1]


# ---------------------------------------------------------------------------------------------------------------- together


def _pack(parts: list[_Part], items: list[Item]) -> tuple[float, float]:
    """Parts in shelves that make about a square; what hangs on ports stands to the left of all others."""
    if not parts:
        return 0.0, 0.0
    main = parts[:1] if any(item.kind == "port" for item in items) else []
    rest = parts[len(main) :]
    left = main[0].width + APART if main and rest else 0.0
    area, widest = 0.0, 0.0
    for part in rest:
        area += (part.width + APART) * (part.height + APART)
        widest = max(widest, part.width)
    room = max(widest, math.floor(math.sqrt(area * 1.5)))
    x, y, high, width, height = 0.0, 0.0, 0.0, 0.0, 0.0
    for part in sorted(rest, key=lambda part: -part.height):
        if x > 0 and x + part.width > room:
            x, y, high = 0.0, y + high + APART, 0.0
        part.left, part.top = left + x, y
        high = max(high, part.height)
        width, height = max(width, left + x + part.width), max(height, y + part.height)
        x += part.width + APART
    for part in main:
        width, height = max(width, part.width), max(height, part.height)
    return width, height


def _write(level: Level, parts: list[_Part], sideways: bool, width: float, height: float) -> None:
    for part in parts:
        for node, i in enumerate(part.items):
            item = level.items[i]
            depth = _depth(part, node, item, height)
            across = part.left + part.across[node] - part.wide[node] / 2
            item.x, item.y = (depth, across) if sideways else (across, depth)
        for arc in part.arcs:
            points = _points(part, arc, level.items, sideways)
            if arc.link.back:
                points.reverse()
            arc.link.points = [(y, x) for x, y in points] if sideways else points
    width, height = 2.0 * math.ceil(width / 2), 2.0 * math.ceil(height / 2)
    level.width, level.height = (height, width) if sideways else (width, height)


def _depth(part: _Part, node: int, item: Item, height: float) -> float:
    top, bottom = part.tops[part.rank[node]], part.bottoms[part.rank[node]]
    if item.kind == "port":
        return 0.0 if item.enters else height - part.high[node]
    return part.top + math.floor((top + bottom - part.high[node]) / 2)


def _points(part: _Part, arc: _Arc, items: list[Item], sideways: bool) -> list[tuple[float, float]]:
    """From border to border: straight out of the rank, through all passing points, straight into the rank; only the corners."""
    source, target = items[part.items[arc.source]], items[part.items[arc.target]]
    x = part.left + part.across[arc.source] + arc.leaves
    start = source.x + source.width if sideways else source.y + source.height
    points = [(x, start)]
    for node in arc.via:
        if part.left + part.across[node] != x:
            points.append((x, part.top + part.bottoms[part.rank[node] - 1]))
            x = part.left + part.across[node]
            points.append((x, part.top + part.tops[part.rank[node]]))
    points.append((x, part.top + part.bottoms[part.rank[arc.target] - 1]))
    x = part.left + part.across[arc.target] + arc.arrives
    end = target.x if sideways else target.y
    points.extend([(x, part.top + part.tops[part.rank[arc.target]]), (x, end)])
    points = [point for i, point in enumerate(points) if not i or point != points[i - 1]]
    last = len(points) - 1
    return [p for i, p in enumerate(points) if i in (0, last) or not points[i - 1][0] == p[0] == points[i + 1][0]]
