"""The settings of the site, which `make docs` builds with Sphinx into `build/site`.

Nothing is fetched, neither while building nor while reading: no intersphinx, because an inventory of another project would be
asked for over the network and a build without one would differ; no web fonts; formulas become MathML (`docs/formulas.py`).
The listings of the API come from `docs/listings.py`.
"""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

import autograd  # noqa: E402  after the path, for a build without an installation
from docs import notebook_pages  # noqa: E402

project = "wengert"
author = "The wengert authors"
release = version = autograd.__version__

extensions = ["sphinx.ext.autodoc", "myst_nb", "sphinx_copybutton", "docs.listings", "docs.formulas"]
exclude_patterns = ["_static", "**.ipynb_checkpoints"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", ".*"),  # a name in backticks, which may be anything
    ("py:class", r"(?!(autograd|nn|optim)\.).*"),  # Python's and NumPy's: see above why there is no intersphinx
    ("py:class", r".*\.[A-Z]"),  # type variables
    ("py:class", r".*\.(mode|Recorder|Options|Row|Means|Statement)"),  # not for users, who are only handed one
]

# Pages and notebooks. The notebooks stand beside docs/, and are shown with the outputs that are committed.
notebook_pages.write(DOCS.parent / "notebooks", DOCS / "notebooks")
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 4

# The API, from docstrings.
autodoc_member_order = "bysource"
smartquotes = False
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 130
add_module_names = False
toc_object_entries_show_parents = "hide"

copybutton_prompt_text = r">>> |\.\.\. |\$ "  # what is copied runs
copybutton_prompt_is_regexp = True

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "wengert"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
