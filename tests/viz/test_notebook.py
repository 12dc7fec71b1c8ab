"""Cells of a notebook, run as Jupyter runs them: what their last line shows, in all three forms; and the page in a cell."""

import json
import shutil

import pytest

from autograd.viz import Picture
from tests.viz.drawn import network

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install nbclient")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install nbclient")
pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install ipykernel")

FIRST = """
import numpy as np
import nn
from autograd import Tensor, record
from autograd.viz import draw
a, b = Tensor(2.0), Tensor(-3.0)
e = a * b
e.backward(retain_graph=True)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
_, program = record(lambda x: x * x, 3.0)
"""
SHOWN = {
    "draw(e)": "e = multiply",
    "e": "Tensor(-6.0, op=multiply)",
    "draw(model, np.ones((5, 3), np.float32), depth=0)": "Sequential",
    "program": "multiply",
}
PLAIN = {"a": "Tensor(2.0", "np.ones(2)": "array", "e.backward(); e": "Tensor(-6.0"}


@pytest.fixture(scope="module")
def outputs():
    """What each cell shows, by its source: the forms of its result."""
    cells = [FIRST, *SHOWN, *PLAIN]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, kernel_name="python3", timeout=300).execute()
    for cell in book.cells:
        assert all(output.output_type == "execute_result" for output in cell.outputs), cell.outputs
    return {cell.source: cell.outputs[-1].data for cell in book.cells[1:]}


@pytest.mark.slow
@pytest.mark.parametrize("cell", SHOWN)
def test_cells_carry_all_three_forms(outputs, cell):
    data = outputs[cell]
    assert set(data) == {"text/plain", "image/svg+xml", "text/html"}
    assert SHOWN[cell] in data["text/plain"]
    assert data["image/svg+xml"].startswith("<svg ")
    assert data["text/html"].index('<img alt="') < data["text/html"].index("<script>")


@pytest.mark.parametrize("cell", PLAIN)
def test_what_has_no_graph_is_shown_as_ever(outputs, cell):
    assert set(outputs[cell]) == {"text/plain"}
    assert outputs[cell]["text/plain"].startswith(PLAIN[cell])


# JupyterLab puts the HTML of a cell into the document, and then makes each script anew.
CELLS = """<!DOCTYPE html><meta charset="utf-8"><title>cells</title><div id="a"></div><div id="b"></div><script>
const html = %s;
for (const id of ['a', 'b']) {
  const host = document.getElementById(id);
  host.innerHTML = html;
  for (const old of host.querySelectorAll('script')) {
    const script = document.createElement('script');
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
}
</script>"""


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install selenium")
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("Chromium or chromedriver was not found")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for word in ("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking", "disable-sync"):
        options.add_argument(f"--{word}")
    options.add_argument("--disable-quic")
    options.add_argument("--disable-component-update")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


def two_cells(browser, folder):
    """The frames of two cells that show one graph, and what waits for something in the browser."""
    html = Picture(network())._repr_mimebundle_()["text/html"]
    path = folder / "cells.html"
    path.write_text(CELLS % json.dumps(html).replace("<", "\\u003c"), encoding="utf-8")
    browser.get(path.as_uri())
    wait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait(browser, 20)
    return browser.find_elements("css selector", "div > iframe"), wait


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_takes_the_place_of_the_image(browser, tmp_path):
    """In both of two cells that show the same graph, and without a word in the console."""
    frames, wait = two_cells(browser, tmp_path)
    assert len(frames) == 2
    assert not browser.find_elements("css selector", "img")
    for frame in frames:
        assert "allow-same-origin" not in frame.get_attribute("sandbox")
        browser.switch_to.frame(frame)
        wait.until(lambda browser: "blocks.0" in browser.find_element("css selector", "body").text)
        browser.switch_to.default_content()
    assert browser.get_log("browser") == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_that_starts_without_room_is_drawn_when_it_has_some(browser, tmp_path):
    """As where a cell is hidden, or runs before the notebook around it is laid out."""
    (late, other), wait = two_cells(browser, tmp_path)
    browser.switch_to.frame(late)
    browser.execute_script("document.body.dataset.old = true")
    browser.switch_to.default_content()
    browser.execute_script("arguments[0].style.width = 0; arguments[0].srcdoc += ''", late)
    browser.switch_to.frame(late)
    begun = "document.readyState == 'complete' && !document.body.dataset.old && !document.getElementById('data')"
    wait.until(lambda browser: browser.execute_script(f"return {begun}"))
    browser.switch_to.default_content()
    browser.execute_script("arguments[0].style.width = '100%'", late)
    places = []
    for frame in (late, other):
        browser.switch_to.frame(frame)
        wait.until(lambda browser: browser.execute_script("return document.body.dataset.ready"))
        places.append(browser.execute_script("return document.querySelector('#canvas g').getBoundingClientRect().toJSON()"))
        browser.switch_to.default_content()
    assert places[0] == places[1]


@pytest.mark.slow
@pytest.mark.browser
def test_without_scripts_the_image_stays(browser, tmp_path):
    html = Picture(network())._repr_mimebundle_()["text/html"].partition("<script>")[0]
    path = tmp_path / "cells.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{html}", encoding="utf-8")
    browser.get(path.as_uri())
    assert browser.execute_script("return document.querySelector('img').naturalWidth") > 200
