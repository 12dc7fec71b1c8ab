"""Picture and draw: each file by its extension, each wrong call with what to do about it, and names that the user gave."""

import json
import os
import subprocess
import sys
import types
import webbrowser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import nn
from autograd import GradientError, GraphReleasedError, Tensor, no_grad, record
from autograd.viz import GraphData, Picture, bundle_of_model, compare, draw, picture, to_graphviz, watch, why
from autograd.viz.parts import from_model
from autograd.viz.view import Options
from tests.viz.drawn import chain, expression, network

A, B = Tensor(2.0), Tensor(-3.0)
STARTS = {
    ".txt": b"L = multiply",
    ".dot": b"digraph",
    ".gv": b"digraph",
    ".svg": b"<",
    ".html": b"<!DOCTYPE html>",
    ".png": b"\x89PNG",
    ".pdf": b"%PDF",
    ".json": b"{",
}


def titles(picture):
    return [box.title for box in picture.graph.boxes]


# --- files -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", STARTS)
@pytest.mark.parametrize("kind", [str, Path])
def test_the_extension_picks_the_writer(tmp_path, suffix, kind, capsys):
    path = tmp_path / f"graph{suffix}"
    shown = draw(expression(), kind(path))
    assert path.read_bytes().startswith(STARTS[suffix])
    assert isinstance(shown, Picture)
    assert capsys.readouterr() == ("", "")


def test_capitals_are_extensions_too(tmp_path):
    assert Picture(expression()).save(tmp_path / "graph.TXT").read_text(encoding="utf-8").startswith("L = multiply")


def test_a_file_is_what_the_method_returns(tmp_path):
    shown = Picture(network(), Options(depth=1), engine="built-in")
    saved = {
        suffix: shown.save(tmp_path / f"x{suffix}").read_text(encoding="utf-8") for suffix in (".txt", ".svg", ".html", ".json")
    }
    assert saved == {".txt": repr(shown) + "\n", ".svg": shown.svg(), ".html": shown.html(), ".json": shown.json()}
    assert GraphData.from_json(json.loads(shown.json())) == network()
    assert shown.to_graphviz().source == (shown.save(tmp_path / "x.dot")).read_text(encoding="utf-8")


@pytest.mark.dot
def test_the_engine_says_who_draws(tmp_path):
    def drawn_by_us(**options):
        return 'class="wv"' in Picture(expression()).save(tmp_path / "x.svg", **options).read_text(encoding="utf-8")

    assert not drawn_by_us()
    assert not drawn_by_us(engine="dot")
    assert drawn_by_us(engine="built-in")
    assert 'class="wv"' in Picture(expression(), engine="dot").svg()
    draw(expression(), tmp_path / "x.svg", engine="built-in")
    assert 'class="wv"' in (tmp_path / "x.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("x.bmp", ValueError, r"'x\.bmp'.* one of \.txt, \.dot, \.gv, \.svg, \.html, \.png, \.pdf, \.json"),
        ("x", ValueError, "the extension says what is written"),
        ("missing/x.svg", FileNotFoundError, r"there is no directory .*missing\. Make it first"),
        ("folder.svg", IsADirectoryError, r"is a directory: name a file in it, as .*graph\.svg"),
        ("other.svg/", IsADirectoryError, "is a directory"),
        ("file.txt/x.svg", FileNotFoundError, "there is no directory"),
        ("x" * 300 + ".svg", OSError, "cannot be written .* choose another place"),
    ],
)
def test_what_cannot_be_written(tmp_path, name, error, words):
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "file.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=words):
        draw(expression(), f"{tmp_path}/{name}")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_nobody_may_write_to(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="choose another place"):
        draw(expression(), tmp_path / "x.svg")


def test_words_that_are_not_known():
    with pytest.raises(ValueError, match="engine='graphviz' is not known: write one of 'auto', 'dot', 'built-in'"):
        draw(expression(), engine="graphviz")
    with pytest.raises(ValueError, match="colour='red'"):
        draw(expression(), colour="red")
    with pytest.raises(ValueError, match="engine='x'"):
        Picture(expression()).save("x.svg", engine="x")


def test_show_opens_a_page(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    path = Picture(expression()).show()
    assert opened == [path.as_uri()]
    assert path.read_text(encoding="utf-8") == Picture(expression()).html()
    path.unlink()
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    with pytest.warns(UserWarning, match="no browser could be opened; the page is in") as caught:
        path = Picture(expression()).show()
    path.unlink()
    assert caught[0].filename == __file__


# --- notebooks -------------------------------------------------------------------------------------------------------------


def test_the_bundle_has_three_forms_and_leaves_out_what_nobody_wants():
    shown = Picture(network())
    bundle = shown._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "image/svg+xml", "text/html"]
    assert bundle["text/plain"] == repr(shown)
    ElementTree.fromstring(bundle["image/svg+xml"])
    assert list(shown._repr_mimebundle_(include=["text/plain"])) == ["text/plain"]
    assert list(shown._repr_mimebundle_(exclude={"text/html"})) == ["text/plain", "image/svg+xml"]


def test_the_html_begins_with_the_image_and_no_label_leaves_the_script():
    graph = network()
    graph.boxes[0].name = graph.title = "</script><script>alert(1)</script>\"'>"
    html = Picture(graph)._repr_mimebundle_()["text/html"]
    assert html.index('<img alt="') < html.index("<script>")
    assert 'src="data:image/svg+xml;base64,' in html
    assert html.count("</script>") == html.count("<script>") == 1
    assert html.endswith("</script>")
    assert 'setAttribute("sandbox", "allow-scripts' in html
    assert "alert(1)</script>" not in html


@pytest.mark.parametrize(("limit", "value"), [("PAGE_LIMIT", 1000), ("PAGE_BOXES", 5)])
def test_a_page_that_is_too_large_for_a_notebook_stays_out(monkeypatch, limit, value):
    monkeypatch.setattr(picture, limit, value)
    html = Picture(network())._repr_mimebundle_()["text/html"]
    assert "data:image/svg+xml;base64," in html
    assert "<script" not in html
    assert "is too large for a notebook: save it as a file" in html


def test_in_python_a_picture_is_its_tree(capsys):
    shown = draw(network(), depth=1)
    assert capsys.readouterr().out == repr(shown) + "\n"
    assert "blocks.0: Block" in repr(shown)


def test_at_a_prompt_nothing_is_printed_twice(monkeypatch, capsys):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    draw(network())
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_terminal_that_knows_only_ascii_gets_ascii():
    code = "from autograd import Tensor; from autograd.viz import draw; ж = Tensor(1.0); draw(ж.tanh() * 2.0)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.stdout.splitlines()[-1].startswith(b"`- ")
    assert b"\\u0436" in done.stdout


# --- what can be drawn -----------------------------------------------------------------------------------------------------


def test_three_lines(capsys):
    a, b = Tensor(2.0), Tensor(-3.0)
    e = a * b
    e.backward(retain_graph=True)
    draw(e)
    assert capsys.readouterr().out.splitlines() == [
        "e = multiply   value -6   gradient 1",
        "├─ a           value 2    gradient -3",
        "└─ b           value -3   gradient 2",
    ]


def test_names_are_the_callers_local_ones_before_global_ones():
    local = A
    assert titles(draw(local * B)) == ["local", "B", "multiply"]


def test_parameters_are_named_by_the_model():
    model = nn.Linear(3, 2)
    assert [box.title for box in draw(model(np.ones((4, 3), np.float32)).sum()).graph.boxes if box.wanted][:2] == [
        "model.weight",
        "model.bias",
    ]


def test_a_model_and_a_function_are_called_with_their_inputs(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    x = np.ones((5, 3), np.float32)
    assert [group.path for group in draw(model, x).graph.groups] == ["", "0", "1"]
    assert "tanh" in titles(draw(lambda x, y: (x * y).tanh(), Tensor(1.0), 2.0))
    draw(model, x, tmp_path / "model.svg")
    assert (tmp_path / "model.svg").exists()


def test_a_call_that_fails_is_drawn_up_to_the_op_that_raised():
    shown = draw(lambda x, w: x.tanh() @ w, np.ones((2, 3)), Tensor(np.ones((2, 3))))
    assert shown.graph.boxes[-1].marks == ("failed",)
    assert "matmul" in repr(shown)
    assert "failed" in repr(shown)
    assert "clash" in repr(shown)


def test_a_program_a_watch_a_picture_and_a_graph():
    _, program = record(lambda x: x * x, 3.0)
    assert "multiply" in titles(draw(program))
    with watch() as seen:
        Tensor(2.0).exp()
    first = draw(seen)
    assert titles(first) == ["input", "exp"]
    assert first.graph is not seen.graph
    assert titles(draw(first)) == titles(draw(first.graph)) == titles(first)
    assert repr(draw(seen)) == repr(first)


def test_a_nan_is_traced_and_a_missing_gradient_explained():
    x = Tensor(-1.0)
    with np.errstate(all="ignore"):
        shown = draw(x.log() + 1.0)
    assert any("first nan was made by log" in note for note in shown.graph.notes)
    with watch() as seen:
        y = Tensor(1.0)
        (y.detach() * Tensor(2.0)).backward()
    assert any(box.why for box in draw(seen).explained().boxes)
    assert not any(box.why for box in draw(seen).graph.boxes)
    assert "loss" in why(y, Tensor(2.0) * 1.0)


def test_two_graphs_are_compared():
    x = Tensor(2.0)
    shown = draw(compare(x.tanh(), x.exp()))
    assert {mark for box in shown.graph.boxes for mark in box.marks} == {"removed", "added"}


def test_to_graphviz_takes_what_draw_takes():
    x = Tensor(2.0)
    assert "tanh" in to_graphviz(x.tanh()).source
    assert "rankdir=LR" in to_graphviz(nn.Linear(3, 2), np.ones((4, 3), np.float32), direction="right").source


def released():
    x = Tensor(2.0)
    y = x * x
    y.backward()
    return y


def without_history():
    with no_grad():
        return Tensor(2.0) * 3.0


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((np.ones(3),), GradientError, "draw a Tensor that was computed from Tensors"),
        ((3.0,), GradientError, "there is no graph"),
        (("graph.svg",), GradientError, "there is no graph"),
        ((Tensor([1, 2]),), GradientError, "has no history"),
        ((without_history(),), GradientError, "has no history"),
        ((released(),), GraphReleasedError, r"backward\(retain_graph=True\), and draw afterwards"),
        ((nn.Linear(3, 2),), TypeError, r"draw\(Linear\) needs an example .* draw\(model, x\)"),
        ((A * B, 3), TypeError, "The name of a file is text"),
    ],
)
def test_what_cannot_be_drawn(arguments, error, words):
    with pytest.raises(error, match=words):
        draw(*arguments)


def test_results_show_themselves_and_other_tensors_do_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", types.SimpleNamespace(first=A))
    bundle = (A * B)._repr_mimebundle_()
    assert bundle["text/plain"] == "Tensor(-6.0, op=multiply)"
    assert bundle["text/html"].startswith("<pre>Tensor(-6.0, op=multiply)</pre><div")
    assert ">first<" in bundle["image/svg+xml"]
    for other in (A, Tensor([1.0, 2.0]) * 2.0, Tensor(3), released()):
        assert other._repr_mimebundle_() == {}
    _, program = record(lambda x: x * x, 3.0)
    assert program._repr_mimebundle_()["text/plain"] == str(program)


def test_a_model_shows_its_parts():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))
    bundle = bundle_of_model(model)
    assert bundle["text/plain"] == repr(model)
    for words in (">Linear<", ">1 = ReLU<", ">weight<", ">4×3 float32<"):
        assert words in bundle["image/svg+xml"], words
    assert "draw(model, x) shows what it computes" in bundle["image/svg+xml"]
    from_model(model).check()
    assert bundle_of_model(nn.ReLU()) == {}


@pytest.mark.slow
def test_large_graphs_are_summed_up():
    shown = Picture(chain(100_000, hub=7, kind="parameter"), engine="built-in")
    assert len(repr(shown).splitlines()) < 160
    assert shown.svg().count("<rect") < 1000
    assert shown.to_graphviz().source.count("label=") < 1000


@pytest.mark.slow
def test_importing_it_imports_no_package_that_is_not_needed():
    code = "import sys, autograd.viz; print(sorted({'graphviz', 'matplotlib', 'IPython'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "[]\n"
