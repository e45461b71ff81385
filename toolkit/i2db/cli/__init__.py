"""The command line: arguments in, words out; no logic of its own."""
