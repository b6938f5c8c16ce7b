"""``python -m dcp_evaluator``."""

from .commands.cli import main

if __name__ == "__main__":
    main()
