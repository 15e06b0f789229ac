"""What the README shows, run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_readme_prints_what_it_says(capsys):
    text = (ROOT / "README.md").read_text()
    code, shown = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL).groups()
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    number = r"\d+\.\d+"
    assert re.sub(number, "#", printed) == re.sub(number, "#", shown)
    for ours, said in zip(re.findall(number, printed), re.findall(number, shown), strict=True):
        assert abs(float(ours) - float(said)) <= 0.015  # other CPUs round other sums


def test_links_of_the_top_level_pages_lead_somewhere():
    links = [
        (page, link)
        for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
        for link in re.findall(r"\]\(([^)#]+)|src(?:set)?=\"([^\"]+)\"", (ROOT / page).read_text())
    ]
    local = [(page, a or b) for page, (a, b) in links if not (a or b).startswith("http")]
    assert len(local) > 5
    assert [link for link in local if not (ROOT / link[1]).exists()] == []


def test_tables_of_which_method_are_the_means_of_the_runs():
    pandas = pytest.importorskip("pandas")
    runs = pandas.read_csv(ROOT / "benchmarks" / "tabular.csv")
    runs = runs[runs.supervised == 0].groupby(["k", "method", "data"]).accuracy.mean()
    tabs = (ROOT / "docs" / "which_method.md").read_text().split("{tab-item} ")[1:4]
    for tab in tabs:
        k, table = int(tab.split()[0]), tab.split(":::")[0].split("\n\n")[1].strip().splitlines()
        sets = [cell.strip().replace("digit 8, 10 %", "digit 8 (10 % minority)") for cell in
                table[0].split("|")[2:-2]]  # fmt: skip
        rows = [row.split("|") for row in table[2:] if row.startswith("| `")]
        assert len(rows) == 21
        for row in rows:
            method = row[1].split("`")[1]
            cells = dict(zip(sets, row[2:-2], strict=True))
            said = {
                d: float(cell.strip(" *")) for d, cell in cells.items() if "not run" not in cell
            }
            assert len(said) >= 7
            assert said == pytest.approx({d: runs[k, method, d] for d in said}, abs=6e-4)
