"""Python that runs in both places: in the program outside, and in a sandbox, where it is the package ``dcp_guest``.

So it imports nothing of dcp_evaluator, and only the standard library; numpy where a value asks for it.
"""
