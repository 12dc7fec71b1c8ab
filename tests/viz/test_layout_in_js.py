"""The page's view and layout against those of Python: the same items, lines and links, and to the last bit the same places."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from autograd.viz import layout
from autograd.viz.model import Edge, GraphData
from autograd.viz.view import View, clean, number_text, shorten
from tests.viz.test_view import NAMES, chain, some_graph

PAGE = Path(layout.__file__).with_name("page")
HARNESS = """
const {View, Layout} = globalThis.wengert;
globalThis.answer = function (asked) {
  return {
    pictures: asked.pictures.map(({graph, options, direction}) => {
      const view = View.make(graph, options);
      Layout.place(view.level, direction);
      const paths = view.level.links.map(link => Layout.path(link.points, direction));
      const {level, notes, opened, shown, names} = view;
      return {level, notes, opened, shown, names, paths};
    }),
    numbers: asked.numbers.map(View.numberText),
    texts: asked.texts.map(text => [View.clean(text), View.shorten(text, 7)]),
  };
};
"""


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Any]:
    """Runs the scripts of the page on a question, in node or in a browser."""
    scripts = "\n".join((PAGE / name).read_text(encoding="utf-8") for name in ("view.js", "layout.js")) + HARNESS
    if shutil.which("node"):
        file = tmp_path_factory.mktemp("js") / "ask.js"
        end = "process.stdout.write(JSON.stringify(globalThis.answer(JSON.parse(require('fs').readFileSync(0, 'utf8')))));"
        file.write_text(scripts + end, encoding="utf-8")

        def in_node(question: Any) -> Any:
            given = json.dumps(question)
            done = subprocess.run(
                ["node", str(file)], input=given, capture_output=True, text=True, encoding="utf-8", timeout=120
            )
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        return in_node
    return _in_browser(scripts)


def _in_browser(scripts: str) -> Callable[[Any], Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="neither node nor selenium is installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("neither node nor Chromium is installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"):
        options.add_argument(argument)

    def in_browser(question: Any) -> Any:
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            browser.get("about:blank")
            said = browser.execute_script(
                scripts + "return JSON.stringify(answer(JSON.parse(arguments[0])))", json.dumps(question)
            )
        finally:
            browser.quit()
        return json.loads(said)

    return in_browser


def bent(n: int) -> GraphData:
    """A chain whose first half is read by its second in reverse: more passing points than a level may have."""
    graph = chain(n)
    graph.edges.extend(Edge(i, n - 1 - i, 1) for i in range(1, n // 2 - 1))
    return graph


def asked(seed: int) -> dict[str, Any]:
    """What is asked of both about a random graph."""
    r = random.Random(-seed)
    graph = some_graph(seed)
    options = {"limit": r.choice([150, 150, 20, 3, 1000]), "values": r.random() < 0.8, "gradients": r.random() < 0.8}
    options["hide"] = r.choice(
        [[], [], ["op"], ["parameter", "constant"], ["matmul"] if any(b.op == "matmul" for b in graph.boxes) else []]
    )
    options |= r.choice([{}, {"depth": r.randrange(4)}, {"opened": list(range(0, 40, r.choice([1, 2])))}, {"depth": 99}])
    return {"graph": graph, "options": options, "direction": r.choice(["down", "right"])}


def in_python(graph: GraphData, options: dict[str, Any], direction: str) -> dict[str, Any]:
    view = View(graph, **options)
    layout.place(view.level, direction)
    paths = [layout.path(link.points, direction) for link in view.level.links]
    found = {
        "level": asdict(view.level),
        "notes": view.notes,
        "opened": view.opened,
        "shown": view.shown,
        "names": view.names,
        "paths": paths,
    }
    return json.loads(json.dumps(found))


@pytest.mark.slow
def test_same_in_both(ask: Callable[[Any], Any]) -> None:
    """Of 80 random graphs, with any options: equal, without any tolerance."""
    questions = [asked(seed) for seed in range(80)]
    questions.append({"graph": bent(400), "options": {"limit": 1000}, "direction": "down"})
    numbers = [
        0.0,
        -0.0,
        1.5,
        1 / 3,
        1e-5,
        9.9995e-5,
        1.0625,
        1062.5,
        999999.5,
        1e6,
        1e23,
        123456.7,
        5e-324,
        -2.5e-8,
        1e15 + 0.5,
    ]
    texts = [*NAMES, "\ud800 alone", "￾", "a\tb\u2028c", "0123456789"]
    pictures = [{**one, "graph": one["graph"].to_json()} for one in questions]
    found = ask({"pictures": pictures, "numbers": numbers, "texts": texts})
    assert found["numbers"] == [number_text(x) for x in numbers]
    assert found["texts"] == [[clean(text), shorten(text, 7)] for text in texts]
    for one, theirs in zip(questions, found["pictures"], strict=True):
        ours = in_python(**one)
        assert theirs.keys() == ours.keys()
        for what in ours:
            assert theirs[what] == ours[what], (one["graph"].title, what)
