"""``dcp-evaluator-start``: finds the start-up files of an installed dcp-client and runs an evaluator with them.

It has the options of the program of that name in npm's dcp-worker (bin/dcp-evaluator-start), and needs no Node.
"""
