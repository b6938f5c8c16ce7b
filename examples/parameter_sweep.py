"""A parameter sweep: how an epidemic goes, for many pairs of parameters, solved with scipy in sandboxes.

    python examples/parameter_sweep.py [STEPS]

scipy is imported within the work function, so this machine's Python does not need it.
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np

import dcp_evaluator as dcp

DAYS = 160


def epidemic(rates: tuple[float, float], days: int, infected: float = 1e-3) -> dict[str, object]:
    """The SIR model. ``rates``: of infection and of recovery, per day. Shares of the population, one for each day."""
    from scipy.integrate import solve_ivp

    infection, recovery = rates

    def change(_: float, state: np.ndarray) -> list[float]:
        susceptible, ill, _recovered = state
        new, healed = infection * susceptible * ill, recovery * ill
        return [-new, new - healed, healed]

    solved = solve_ivp(change, (0, days), [1 - infected, infected, 0], t_eval=np.arange(days), rtol=1e-8)
    ill = solved.y[1]
    return {"peak": ill.max(), "day": int(ill.argmax()), "spared": solved.y[0, -1], "course": ill}


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    infection, recovery = np.linspace(0.15, 0.6, steps), np.linspace(0.05, 0.25, steps)
    pairs = [(float(a), float(b)) for a, b in product(infection, recovery)]
    results = list(dcp.compute_for(pairs, epidemic, DAYS).local_exec())
    print("infection  recovery   ill at most  on day   never ill")
    for (a, b), result in zip(pairs, results, strict=True):
        print(f"{a:9.2f} {b:9.2f} {result['peak']:13.1%} {result['day']:7d} {result['spared']:11.1%}")
    worst = max(range(len(pairs)), key=lambda index: results[index]["peak"])
    print(f"worst: infection {pairs[worst][0]:.2f}, recovery {pairs[worst][1]:.2f}")


if __name__ == "__main__":
    main()
