"""What the README shows, run."""

import re
from pathlib import Path

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
