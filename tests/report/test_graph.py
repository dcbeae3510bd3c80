from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.report import ascii as characters
from flowpar.report import dot, mermaid, svg
from flowpar.report.graph import GraphNode, GraphView
from flowpar.report.layout import BOX_HEIGHT, arrange

DIAMOND = GraphView(
    "words",
    (
        GraphNode("load", 0, detail="python"),
        GraphNode("clean", 1, ("load",)),
        GraphNode("count", 1, ("load",), is_fan_out=True),
        GraphNode("end", 2, ("clean", "count"), is_conditional=True),
    ),
)


@st.composite
def views(draw: st.DrawFn) -> GraphView:
    nodes: list[GraphNode] = []
    for number in range(draw(st.integers(0, 12))):
        needs = draw(st.sets(st.sampled_from(nodes), max_size=4)) if nodes else set()
        layer = max((need.layer + 1 for need in needs), default=0)
        nodes.append(GraphNode(f"t{number}", layer, tuple(sorted(need.id for need in needs)), "python"))
    return GraphView("any", tuple(nodes))


def test_a_diamond_is_drawn_with_characters() -> None:
    assert characters.render(DIAMOND) == ("● load  (python)\n├─● clean\n│ │\n● │ count[*]\n│ │\n●─╯ end?\n")


def test_the_example_of_the_module_is_drawn_so() -> None:
    nodes = DIAMOND.nodes[:3]
    view = GraphView("", (GraphNode("load", 0), *nodes[1:], GraphNode("merge", 2, ("clean", "count"))))
    drawing = "".join(f"    {line}\n" for line in characters.render(view).splitlines())

    assert drawing in (characters.__doc__ or "")


def test_a_plain_terminal_gets_plain_characters() -> None:
    assert characters.render(DIAMOND, is_ascii=True).isascii()


@given(views())
def test_every_task_has_a_row_of_its_own_in_order(view: GraphView) -> None:
    rows = [line.split() for line in characters.render(view).splitlines()]

    named = [word for row in rows for word in row if word.startswith("t")]
    assert named == [node.id for node in view.nodes]


@given(views())
def test_lanes_do_not_dangle(view: GraphView) -> None:
    rows = characters.render(view, is_ascii=True).splitlines()

    assert not rows or "|" not in rows[-1].split("t")[0]


def test_a_graph_with_too_many_lanes_is_listed_by_layers() -> None:
    roots = tuple(GraphNode(f"r{n}", 0) for n in range(100))
    view = GraphView("wide", (*roots, GraphNode("all", 1, tuple(root.id for root in roots))))

    lines = characters.render(view).splitlines()

    assert lines[0] == "layer 0"
    assert lines[-1].startswith("  all  ← r0, r1")


def test_mermaid_names_no_task_by_a_word_of_its_own() -> None:
    assert mermaid.render(DIAMOND) == (
        "flowchart TB\n"
        '    t1["load"]\n    t2["clean"]\n    t3[["count[*]"]]\n    t4(["end?"])\n'
        "    t1 --> t2\n    t1 --> t3\n    t2 --> t4\n    t3 --> t4\n"
    )


def test_dot_ranks_layers_and_quotes_names() -> None:
    text = dot.render(GraphView('a "b" \\', DIAMOND.nodes))

    assert text.startswith('digraph "a \\"b\\" \\\\" {\n')
    assert '"load" -> "clean";' in text
    assert text.count("rank=same") == 3
    assert '"end" [label="end?", style="rounded,dashed"];' in text


@given(views())
def test_svg_is_well_formed_and_shows_every_task_and_edge(view: GraphView) -> None:
    root = ET.fromstring(svg.render(view))  # noqa: S314 - our own text

    space = "{http://www.w3.org/2000/svg}"
    assert [text.text for text in root.iter(f"{space}text")] == [node.id for node in view.nodes]
    edges = [path for path in root.iter(f"{space}path") if path.get("class") == "edge"]
    assert len(edges) == sum(len(node.needs) for node in view.nodes)


def test_svg_escapes_what_it_is_given_and_needs_nothing_from_elsewhere() -> None:
    nasty = "</svg><script>alert(1)</script>\x1b[2J\x00\udcff"
    text = svg.render(GraphView(nasty, (GraphNode("a", 0, detail=nasty),)))

    ET.fromstring(text)  # noqa: S314 - our own text
    assert "<script" not in text
    assert "\x1b" not in text
    assert text.count("http") == 1  # the name of SVG itself
    assert text.encode()


@given(views())
def test_boxes_do_not_overlap_and_edges_run_down(view: GraphView) -> None:
    layout = arrange(view)

    boxes = list(layout.boxes.values())
    for at, one in enumerate(boxes):
        for other in boxes[:at]:
            apart = abs(one.x - other.x) >= (one.width + other.width) / 2
            assert apart or abs(one.y - other.y) >= BOX_HEIGHT
    for _, _, points in layout.routes:
        heights = [y for _, y in points]
        assert heights == sorted(set(heights))


def test_a_chain_of_twenty_thousand_is_laid_out() -> None:
    nodes = [GraphNode("t0", 0)] + [GraphNode(f"t{n}", n, (f"t{n - 1}", "t0")) for n in range(1, 20_000)]

    layout = arrange(GraphView("chain", tuple(nodes)))

    assert len(layout.boxes) == 20_000


@pytest.mark.parametrize("module", ["mermaid", "dot", "svg", "ascii"])
def test_the_same_graph_is_drawn_with_the_same_bytes(module: str) -> None:
    code = f"""if True:
        import json
        from flowpar.report.graph import GraphNode, GraphView
        from flowpar.report.{module} import render
        nodes = [GraphNode(f"t{{n}}", n // 3, tuple(f"t{{m}}" for m in range(n // 3 * 3))) for n in range(12)]
        print(json.dumps(render(GraphView("g", tuple(nodes)))))
    """

    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(runs) == 1
    assert json.loads(runs.pop())
