"""Tables of the results, on the terminal and in Markdown."""

import dataclasses

from rich.table import Table as RichTable

from benchmarks.speed.cases import Case
from benchmarks.speed.peers import LIBRARIES, OURS
from benchmarks.speed.results import outcome, product_rates, share
from benchmarks.speed.targets import judge


@dataclasses.dataclass(frozen=True)
class Table:
    """A table that can be shown in two ways.

    Attributes:
        title: Title.
        header: Names of the columns; the first holds text, the others are set to the right.
        rows: Cells.
        notes: Lines below the table.
    """

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def rich(self) -> RichTable:
        """For the terminal."""
        table = RichTable(title=self.title, title_justify="left", caption="\n".join(self.notes))
        table.caption_justify = "left"
        for i, name in enumerate(self.header):
            table.add_column(name, justify="right" if i else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For a file."""
        lines = [f"## {self.title}", "", _line(self.header)]
        lines.append(_line(["---", *["---:"] * (len(self.header) - 1)]))
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, "", *(f"{note}\n" for note in self.notes)])


def _line(cells) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def case_table(record: dict, libraries: list[str]) -> Table:
    """One case: a row a library."""
    case = Case.from_dict(record["case"])
    names = case.kind.operations
    header = ("library", "parameters", "import s", "first step s", "MiB")
    rows, failures = [], []
    for library in libraries:
        outcomes = {name: outcome(record, library, name) for name in names}
        entry = next((o.entry for o in outcomes.values() if o.entry), None)
        cells = [_operation(name, outcomes[name], library) for name in names]
        rows.append((library, *_process_cells(entry, record["dense_parameters"]), *cells))
        failures += [
            f"{library} ({e['variant']}), {where}: failed: {reason}"
            for e in record["entries"]
            if e["library"] == library
            for where, reason in _failures(e)
        ]
    busy = record["busy_processors"]
    notes = [
        "Milliseconds: median of the library's fastest variant, ± half the interquartile range.",
        f"While measuring, other processes kept {busy['other_processes']:.2f} processors busy, "
        f"waiting workers {busy['waiting_workers']:.2f}.",
    ]
    for shape, name in (("case", f"{case.batch} x {case.hidden_units[0]}²"), ("square", "2048³")):
        rates = product_rates(record, shape).items()
        rates = ", ".join(f"{framework} {rate:.0f}" for framework, rate in rates)
        notes.append(f"Matrix product {name}, GFLOP/s: {rates}.")
    title = (
        f"{case.flow}, D={case.dims}, hidden {case.hidden_units[0]}x{case.hidden_units[1]}, "
        f"batch {case.batch}"
    )
    return Table(title, header + names, rows, (*notes, *failures))


def _process_cells(entry: dict | None, dense: int) -> tuple[str, ...]:
    """Parameters, import, first step and memory of one worker."""
    if entry is None:
        return ("-",) * 4
    count, peak = entry.get("parameters"), entry.get("peak_mib")
    baseline, first = entry.get("import_mib"), entry.get("first_step_s")
    parameters = "-" if count is None else f"{count:,}"
    if count is not None and count != dense:
        parameters += f" ({count / dense - 1:+.2%})"
    return (
        parameters,
        f"{sum(entry['import_s'].values()):.2f}" if "import_s" in entry else "-",
        "-" if first is None else f"{first:.2f}",
        f"{baseline:.0f} → {peak:.0f}" if baseline and peak else "-",
    )


def _operation(name: str, result, library: str) -> str:
    if result.seconds is None:
        return "failed" if result.status.startswith("failed") else result.status
    first, third = (1e3 * q for q in result.entry["operations"][name]["quartiles_s"])
    cell = f"{1e3 * result.seconds:.3g} ±{(third - first) / 2:.2g}"
    return f"{cell} {result.entry['variant']}" if len(LIBRARIES[library].variants) > 1 else cell


def _failures(entry: dict):
    if "failed" in entry:
        yield "all", entry["failed"]
    for name, record in entry["operations"].items():
        if "failed" in record:
            yield name, record["failed"]


def share_table(results: dict) -> Table | None:
    """The share of the machine's matrix product rate that MAF training reaches."""
    rows = []
    for record in results["cases"]:
        case = Case.from_dict(record["case"])
        for library in results["libraries"] if case.flow == "maf" else ():
            seconds = outcome(record, library, "train").seconds
            if not seconds or not product_rates(record, "case"):
                continue
            rows.append(
                (
                    f"D={case.dims}, batch {case.batch}",
                    library,
                    f"{1e3 * seconds:.3g}",
                    f"{record['training_flops'] / seconds / 1e9:.0f}",
                    *(f"{share(record, seconds, shape):.2f}" for shape in ("case", "square")),
                )
            )
    header = ("MAF", "library", "step ms", "GFLOP/s", "of batch x hidden²", "of 2048³")
    note = (
        "Operations counted dense: 6 x batch x weights, masked ones included; rates of the "
        "fastest framework."
    )
    title = "Training, as a share of the matrix product rate"
    return Table(title, header, rows, (note,)) if rows else None


def frozen_table(results: dict) -> Table | None:
    """Densities of this package live and frozen, beside those of the fastest peer."""
    rows = []
    for record in results["cases"]:
        names = ("log_prob", "log_prob_frozen", "log_prob_fixed")
        times = [outcome(record, OURS, name).seconds for name in names]
        if None in times:
            continue
        peers = {n: outcome(record, n, "log_prob").seconds for n in LIBRARIES if n != OURS}
        peers = {name: seconds for name, seconds in peers.items() if seconds}
        fastest = min(peers, key=peers.get, default=None)
        case = Case.from_dict(record["case"])
        rows.append(
            (
                f"{case.flow}, D={case.dims}, batch {case.batch}",
                *(f"{1e3 * seconds:.3g}" for seconds in times),
                "-" if fastest is None else f"{1e3 * peers[fastest]:.3g} {fastest}",
                *(
                    "-" if fastest is None else f"{seconds / peers[fastest]:.2f}"
                    for seconds in times[1:]
                ),
            )
        )
    header = ("log_prob", "live ms", "frozen ms", "fixed ms", "fastest peer ms")
    header += ("frozen / peer", "fixed / peer")
    note = "Frozen looks for changed weights at each call, fixed does not (`check=False`)."
    return Table("Densities, live and frozen", header, rows, (note,)) if rows else None


def target_table(results: dict) -> Table:
    """Targets, met or missed."""
    rows = [(j.what, j.target, j.measured, j.verdict) for j in judge(results)]
    return Table("Targets", ("what", "target", "measured", "verdict"), rows)


def head(results: dict) -> list[str]:
    """Lines that say on what and with what was measured."""
    machine, settings = results["machine"], results["settings"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}, "
        f"{machine['system']}, Linux {machine['kernel']}.",
        f"{settings['threads']} threads, {settings['rounds']} rounds of {settings['seconds']:g} s "
        f"a measurement, given up after {settings['limit']:g} s.",
    ]
    for library, facts in results["libraries"].items():
        if facts["missing"]:
            lines.append(f"{library}: not measured, cannot import {', '.join(facts['missing'])}.")
            continue
        versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        lines.append(f"{library}: {versions}, Python {facts['python']}.")
    return lines


def all_tables(results: dict) -> list[Table]:
    """Every table, in the order of the report."""
    libraries = list(results["libraries"])
    cases = [case_table(record, libraries) for record in results["cases"]]
    more = (share_table(results), frozen_table(results), target_table(results))
    return [t for t in (*cases, *more) if t]


def report(results: dict) -> str:
    """The whole report in Markdown."""
    lines = ["# Speed", "", *(f"- {line}" for line in head(results)), ""]
    return "\n".join([*lines, *(table.markdown() for table in all_tables(results))])
