"""What pytest finds here are the code blocks of the pages; the rest is Sphinx's."""

collect_ignore = ["_build", "_ext", "api/generated", "auto_examples", "conf.py", "images"]
