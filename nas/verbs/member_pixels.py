"""How many pixels a member of a family is trained at where the data's images are small."""

from pathlib import Path

from nas.verbs.classes import largest_image, proxy_pixels
from search_spaces.arch import Arch
from search_spaces.yaml_io import load_arch


def pixels_in(run: Path, member: Arch) -> int:
    """Pixels a side to train a member of the run folder's family at.

    Its own, unless the family's smallest member, B0, has more than any image of the data, and more
    than the proxies by which the run compared networks: beyond that, pixels add cost and no detail.
    B0 then gets the larger of the two, and each member its own in the same proportion.
    """
    smallest, most = run / "family" / "b0.yaml", _most(run)
    if most is None or not smallest.is_file():
        return member.resolution
    own = load_arch(str(smallest)).resolution
    return member.resolution if own <= most else max(1, round(member.resolution * most / own))


def _most(run: Path) -> int | None:
    """Pixels that images have, or proxies were fed; None where no file says what images have."""
    baseline = str(run / "baseline.yaml")
    largest, fed = largest_image(baseline, run), proxy_pixels(baseline, run)
    return None if largest is None else max(largest, fed or 0)
