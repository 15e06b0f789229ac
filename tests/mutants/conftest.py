"""Nothing here is a test: `make mutants` runs the tests instead."""

collect_ignore_glob = ["*"]
