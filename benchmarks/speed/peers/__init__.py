"""The libraries that are measured, one adapter a file; see `base.Peer` for what each provides.

This module is read by the command and by its worker processes, so it imports no library.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Library:
    """A library and where its adapter lives.

    Attributes:
        imports: What the adapter imports, in this order, each timed by itself.
        packages: Distributions whose versions are reported.
        flows: Flows that the adapter builds.
        variants: Ways of using the library that are all measured; the fastest is reported.
        framework: What it computes with.
    """

    imports: tuple[str, ...]
    packages: tuple[str, ...]
    flows: tuple[str, ...]
    variants: tuple[str, ...]
    framework: str

    @property
    def top_level(self) -> tuple[str, ...]:
        """Names that must be importable."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.imports))


OURS = "tfp_flows"

LIBRARIES = {
    "tfp_flows": Library(
        ("tensorflow", "tensorflow_probability", "tfp_flows", "tfp_flows.models"),
        ("tfp-flows", "tensorflow", "tensorflow-probability", "keras"),
        ("maf", "iaf", "realnvp", "nsf", "nsf_ar", "naf", "ffjord"),
        ("default",),
        "tensorflow",
    ),
    "tfp": Library(
        ("tensorflow", "tensorflow_probability", "tf_keras"),
        ("tensorflow-probability", "tensorflow", "tf_keras"),
        ("maf", "iaf", "realnvp", "nsf", "nsf_ar", "ffjord"),
        ("xla", "graph"),
        "tensorflow",
    ),
    "zuko": Library(
        ("torch", "zuko"),
        ("zuko", "torch"),
        ("maf", "iaf", "realnvp", "nsf", "nsf_ar", "naf", "ffjord"),
        ("eager", "compiled"),
        "torch",
    ),
    "nflows": Library(
        ("torch", "nflows.flows"),
        ("nflows", "torch"),
        ("maf", "iaf", "realnvp", "nsf", "nsf_ar"),
        ("eager", "compiled"),
        "torch",
    ),
    "normflows": Library(
        ("torch", "normflows"),
        ("normflows", "torch"),
        ("maf", "iaf", "realnvp", "nsf", "nsf_ar"),
        ("eager", "compiled"),
        "torch",
    ),
    "flowjax": Library(
        ("jax", "equinox", "optax", "flowjax.flows"),
        ("flowjax", "jax", "equinox", "optax"),
        ("maf", "iaf", "realnvp", "nsf", "nsf_ar"),
        ("scan", "chain"),
        "jax",
    ),
    "distrax": Library(
        ("jax", "optax", "distrax"),
        ("distrax", "jax", "optax"),
        ("realnvp", "nsf"),
        ("default",),
        "jax",
    ),
}
