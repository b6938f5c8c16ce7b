"""``python -m dcp_evaluator``."""

from .cli import main

if __name__ == "__main__":
    main()
