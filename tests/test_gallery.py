"""The examples of the gallery, run as scripts; each must end with what its text claims."""

import runpy
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

FILES = sorted((Path(__file__).parent.parent / "examples").glob("plot_*.py"))

# What each example leaves behind, as a namespace -> whether its claim holds.
CLAIMS = {
    "plot_anomalies": lambda v: (
        v["areas"]["noise"][0] > 0.9
        and v["areas"]["shuffled"][0] > 0.97
        and v["areas"]["digit 8"][0] < 0.6 < 0.9 < v["areas"]["digit 8"][1]
    ),
    "plot_clustering": lambda v: (
        v["agreement"]["latent space"] > v["agreement"]["pixels"] + 0.05
        and v["right"]["latent space"] > v["right"]["pixels"] + 0.05
    ),
    "plot_grid_search": lambda v: (
        v["test_scores"][v["best"]] > v["test_scores"].max() - 0.02
        and np.ptp(v["test_scores"]) > 0.03
        and v["random_truth"] > v["test_scores"].max() - 0.05
    ),
    "plot_label_budget": lambda v: (
        (np.diff(v["curve"].mean, axis=1) > 0).all()
        and v["curve"].mean[1, 0] > v["curve"].mean[0, 0] + 0.03
        and v["curve"].mean[:, 0].argmax() == list(v["methods"]).index("label propagation")
        and v["curve"].mean[4, 2] < v["curve"].mean[0, 2]
    ),
    "plot_labeling": lambda v: (
        ((v["chosen"] - v["drawn"]).mean(0) > 0.02).all()
        and (v["chosen"] - v["drawn"]).mean(0).argmax() == 0
    ),
    "plot_mixed_table": lambda v: (
        v["areas"]["logistic regression"] > max(v["areas"].values()) - 0.005
        and v["paid"]["logistic regression"]["1/6"] < v["paid"]["logistic regression"]["0.5"] - 0.05
        and v["paid"]["FixMatch, searched"]["1/6"] > v["paid"]["FixMatch, searched"]["act always"]
        and v["paid"]["FixMatch, searched"]["from labels"]
        < v["paid"]["FixMatch, searched"]["1/6"] - 0.05
    ),
    "plot_numbers": lambda v: (
        v["r2"][1] > 0.95 > 0.85 > v["r2"][0] and 0.85 < v["held"].mean() < 0.97
    ),
    "plot_own_network": lambda v: (
        v["moves"][0] == 0
        and list(v["moves"]) == sorted(v["moves"])
        and list(v["scores"]) == sorted(v["scores"])
        and abs(v["scores"][-1] - v["from_scratch"]) < 0.06
    ),
    "plot_pseudo_labels": lambda v: (
        v["right"][v["sure"]].mean() > v["right"][v["unlabeled"] & ~v["sure"]].mean() + 0.2
        and (v["y_train"][v["wrong"]] == 1).mean() > 0.6
        and (v["clf"].transduction_[v["wrong"]] == 2).mean() > 0.6
    ),
    "plot_resume": lambda v: v["same"] and 0 < v["killed"].n_iter_ < v["again"].n_iter_ == 300,
    "plot_sgan": lambda v: (
        v["accuracy"][v["total"]] > v["accuracy"][10] + 0.1
        and 0.8 < v["spread"][v["total"]] / v["real_spread"] < 1.2
        and (v["shares"] > 0.01).all()
    ),
    "plot_text": lambda v: (
        v["accuracy"]["tf-idf", "label propagation"]
        > v["accuracy"]["tf-idf", "logistic regression"] + 0.03
        and len(v["accuracy"]) == (5 if v["has_vectors"]() else 3)
    ),
    "plot_threshold": lambda v: (
        v["accuracy"][list(v["thresholds"]).index(0.95)] > max(v["accuracy"]) - 0.01
        and max(v["accuracy"][2:5]) > max(v["accuracy"][0], v["accuracy"][-1]) + 0.02
        and max(v["accuracy"]) > v["supervised_accuracy"] + 0.04
        and [rates[-1] for rates in v["mask_rates"]]
        == sorted((rates[-1] for rates in v["mask_rates"]), reverse=True)
    ),
    "plot_two_moons": lambda v: (
        v["accuracy"]["with unlabeled rows"] > 0.98 > 0.95 > v["accuracy"]["labels alone"]
        and list(v["by_radius"].values()) == sorted(v["by_radius"].values(), reverse=True)
    ),
    "plot_vae": lambda v: v["accuracy"] > 0.9 and v["recognised"] > 0.9 and v["explained"] > 0.5,
    "plot_views": lambda v: len(v["rows"]) == 6 and v["width"] == len(v["OPERATIONS"]),
    "plot_when_it_hurts": lambda v: (
        v["mixture"].verdict == "hurt"
        and v["network"].verdict != "hurt"
        and v["accuracy"]["with unlabeled rows"] < v["accuracy"]["labels alone"] - 0.05
    ),
}


@pytest.mark.gallery
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_does_what_it_says(path, tmp_path, monkeypatch, capsys):
    assert path.stem in CLAIMS, f"say in CLAIMS what must hold at the end of {path.name}"
    matplotlib.use("Agg")
    plt.close("all")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: (shown.extend(plt.get_fignums()), plt.close("all")))
    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.chdir(tmp_path)
    try:
        left = runpy.run_path(str(path), run_name="__main__")
        assert not plt.get_fignums(), "a figure without plt.show()"
    finally:
        plt.close("all")
    assert shown, "no figure"
    assert not list(tmp_path.iterdir()), "an example of the gallery writes no file"
    assert CLAIMS[path.stem](left), capsys.readouterr().out


def test_claims_have_an_example():
    assert set(CLAIMS) == {path.stem for path in FILES}


@pytest.mark.gallery
def test_contact_sheet_is_written_where_told(tmp_path, monkeypatch, capsys):
    matplotlib.use("Agg")
    path = next(path for path in FILES if path.stem == "plot_views")
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    monkeypatch.setattr(sys, "argv", [str(path), str(tmp_path / "views.png")])
    runpy.run_path(str(path), run_name="__main__")
    assert (tmp_path / "views.png").stat().st_size > 10_000


def test_every_example_is_in_a_group_of_the_page():
    page = (FILES[0].parent.parent / "docs" / "examples.rst").read_text()
    assert all(page.count(f"../examples/{path.name}") == 1 for path in FILES)
