"""``dcp-evaluator-manager``: runs an evaluator for each connection, while nobody else uses the machine.

It has the options of the program of that name in npm's dcp-worker (bin/dcp-evaluator-manager), and needs no Node.
``monitor`` says what a monitor is; each has a file of its own.
"""
