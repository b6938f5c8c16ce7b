"""What a machine's GPU does with this project, step by step, for the first try of a GPU that nobody here has seen.

``benchmarks/gpu-check.sh`` prepares the environment and runs ``python -m gpu_check``. ``steps.py`` lists the steps,
``runner.py`` runs each in a process of its own and keeps what it found, ``page.py`` makes the page of it. ``lacks.py``
runs before anything is installed, so it imports the standard library only.
"""
