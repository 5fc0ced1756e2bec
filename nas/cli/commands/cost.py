"""`nas-search cost`: what networks cost, without building them unless that is to be checked."""

from nas.networks.cost import cost
from nas.verbs.columns import table
from nas.verbs.config import Config
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Print a row for each network; with `check`, a table of its parts for each as well."""
    references = config["networks"]
    if not isinstance(references, list) or not references:
        raise UserError("networks: expected zoo names or YAML files: nas-search cost b3.yaml")
    networks = [(str(reference), load_arch(str(reference))) for reference in references]
    rows = []
    for reference, arch in networks:
        price = cost(arch)
        rows.append(
            (
                reference,
                arch.resolution,
                f"{price.params:,}",
                f"{price.macs:,}",
                f"{price.activations:,}",
                arch.key(),
            )
        )
    print(table(("network", "resolution", "params", "MACs", "activations", "key"), rows))
    if config["check"]:
        for reference, arch in networks:
            print(f"\n{checked(reference, arch)}")


def checked(reference: str, arch: Arch) -> str:
    """Our MACs of each part beside fvcore's and torch's, and whether all agree."""
    from nas.networks.cost_check import check_cost  # the one part of this verb that needs torch

    checks = check_cost(arch)
    header = (reference, "MACs", "fvcore: conv + linear", "torch: FLOPs / 2", "fvcore: the rest")
    rows = [
        (
            check.part,
            f"{check.macs:,}",
            f"{check.fvcore:,}",
            f"{check.torch:,}",
            f"{check.fvcore_others:,}",
        )
        for check in checks
    ]
    apart = [check.part for check in checks if not check.agrees]
    verdict = f"they differ in: {', '.join(apart)}" if apart else "all three agree in every part"
    others = ", ".join(checks[-1].other_operators)
    rest = f"; the rest is {others}, which fvcore counts too" if others else ""
    return f"{table(header, rows)}\n\n{verdict}{rest}"
