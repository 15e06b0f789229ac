"""The site: `make docs` builds docs/_build/html. Nothing is fetched from the network."""

import re
import sys
from pathlib import Path

import sklearn_ssl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "sklearn_ssl"
author = "The sklearn_ssl developers"
copyright = f"2026, {author}"
version = release = sklearn_ssl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "mathml",
    "references",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_ext", "_templates"]
templates_path = ["_templates"]

# Links: every one must resolve; other projects are named, not linked, since nothing is fetched.
nitpicky = True
default_role = "obj"
nitpick_ignore_regex = [("py:.*", r"(sklearn|skorch|torch|numpy|pandas)\..*")]

smartquotes = False  # a string is "auto" in code and in prose

# Python objects.
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
add_module_names = False
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True

# Markdown. `>>>` blocks are doctests too: setup.cfg.
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "substitution"]
myst_substitutions = {"version": release}
myst_heading_anchors = 3
html_math_renderer = "mathml"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The gallery runs examples/plot_*.py, in the order of their names.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[/\\]plot_",
    "ignore_pattern": "^(?!plot_)",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/generated/examples",
    "doc_module": ("sklearn_ssl",),
    "reference_url": {},
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
    "download_all_examples": False,
    "remove_config_comments": True,
    "min_reported_time": 5,
    "show_memory": False,
    "write_computation_times": False,
    "only_warn_on_example_error": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_ssl"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = True  # "Show Source" beside every page
html_copy_source = True
REPOSITORY = None  # (user, name) on GitHub: turns on the link in the header and "Edit this page"
alone = ["index", "install", "tutorial", "changelog", "cite"]  # pages with no section around them
html_sidebars = {name: [] for name in alone}
html_theme_options = {
    "logo": {"text": f"sklearn_ssl {release}"},
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc", "edit-this-page", "sourcelink"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
if REPOSITORY:
    user, name = REPOSITORY
    html_context = {
        "github_user": user, "github_repo": name, "github_version": "main", "doc_path": "docs",
    }  # fmt: skip
    html_theme_options |= {
        "github_url": f"https://github.com/{user}/{name}",
        "use_edit_page_button": True,
    }

# Files beside docs/ are included as text, so that links in them can be turned to the pages here.
MOVED = {
    "../benchmarks/RESULTS.md": "results.md",
    "../benchmarks/RESULTS_TABLES.md": "results_tables.md",
    "RESULTS_TABLES.md": "results_tables.md",
    "RESULTS_MNIST.md": "results_mnist.md",
    "RESULTS_DOCUMENTS.md": "results_documents.md",
    "RESULTS_PORTFOLIO.md": "results_portfolio.md",
    "../benchmarks/RESULTS_MNIST.md": "results_mnist.md",
    "../benchmarks/RESULTS_DOCUMENTS.md": "results_documents.md",
    "../benchmarks/RESULTS_PORTFOLIO.md": "results_portfolio.md",
    "RESULTS_CLASS_PRIOR.md": "results_class_prior.md",
    "../benchmarks/RESULTS_CLASS_PRIOR.md": "results_class_prior.md",
    "RESULTS_LABELING.md": "results_labeling.md",
    "RESULTS_REGRESSION.md": "results_regression.md",
    "../benchmarks/RESULTS_REGRESSION.md": "results_regression.md",
    "../benchmarks/RESULTS_LABELING.md": "results_labeling.md",
    "labeling.csv": "../benchmarks/labeling.csv",
    "regression.csv": "../benchmarks/regression.csv",
    "tabular.csv": "../benchmarks/tabular.csv",
    "mnist.csv": "../benchmarks/mnist.csv",
    "mnist_choices.csv": "../benchmarks/mnist_choices.csv",
    "documents.csv": "../benchmarks/documents.csv",
    "class_prior.csv": "../benchmarks/class_prior.csv",
    "network.csv": "../benchmarks/network.csv",
}


def include(app, docname, source):
    """Put the files that a page includes in their place, and correct links."""

    def text(found):
        path = HERE / found[1]
        app.env.note_dependency(str(path))
        return path.read_text()

    source[0] = re.sub(r"```\{include\} (\S+)\n```", text, source[0])
    source[0] = source[0].replace("\n\n```\n", "\n```\n")  # blank lines that end doctests
    for there, here in MOVED.items():
        source[0] = source[0].replace(f"]({there})", f"]({here})")


def setup(app):
    app.connect("source-read", include)
