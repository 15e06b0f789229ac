"""What pytest finds here are the code blocks of the pages; the rest is Sphinx's."""

import importlib.util

collect_ignore = ["_build", "_ext", "api/generated", "auto_examples", "conf.py", "images"]
if not all(map(importlib.util.find_spec, ("onnxruntime", "onnxscript", "optuna", "skops"))):
    collect_ignore.append("interop.md")  # its tools are an extra
