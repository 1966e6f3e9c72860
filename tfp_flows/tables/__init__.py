"""Tables as people have them: columns of any type, gaps, conditions on any of them."""

import importlib

# By name, so that a schema can be read without TensorFlow.
_HOMES = {
    "Schema": "schema",
    "TableModel": "model",
    "Vectors": "vectors",
    "Verdict": "checking.verdict",
    "check": "checking.run",
    "cdf": "asking",
    "compare": "comparing",
    "compare_tables": "comparing",
    "conditional_draws": "conditioning",
    "conditional_log_prob": "conditional_densities",
    "density": "asking",
    "fit": "fitting",
    "log_density": "asking",
    "marginal_log_prob": "conditional_densities",
    "mode": "modes",
    "parse_given": "conditions",
    "probabilities": "asking",
    "probability": "regions",
    "quantiles": "asking",
    "read_schema": "deciding",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
