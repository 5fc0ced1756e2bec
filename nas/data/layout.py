"""Which folders of a data set are its splits, and which are its classes."""

from collections.abc import Container, Iterable, Mapping, Sequence

from nas.data.images import is_image, is_undecodable
from nas.data.listing import Listing, folders_of
from nas.data.names import EXPECTED, by_split, counted, shown, some, split_of, split_words
from search_spaces.errors import UserError
from search_spaces.files import read_text

ImagesByClass = dict[str, list[str]]
"""The paths of the images of each class, by its name"""

_TINY_IMAGENET = "val_annotations.txt"
_MOST_ANNOTATIONS = 64 * 2**20


def find_splits(listing: Listing, notes: list[str]) -> dict[str, str]:
    """The paths of the folders of `train`, `val` and `test`; the root as `train` without splits.

    Raises UserError where folders may be splits in more than one way, and where classes lie beside
    splits: images of a test split are never trained on by mistake.
    """
    root, top = listing.root, listing.entries(listing.root)
    splits = by_split(top.folders, shown(root))
    others = [name for name in top.folders if split_of(name) is None]
    # Beside `bus` and `car`, a folder `train` without folders inside is the class of trains.
    is_class = others and set(splits) == {"train"} and not _has_folders(listing, splits["train"])
    if splits and not is_class:
        if "train" not in splits:
            raise UserError(
                f"data.path: {shown(root)} has no train folder; it has {folders_of(listing, root)}"
            )
        _check_beside(listing, splits, others, notes)
        _leave_out_files(listing, root)
        return {split: f"{root}/{name}" for split, name in splits.items()}
    _check_alike(listing, top.folders)
    _check_splits_below(listing, top.folders)
    return {"train": root}


def classes_in(listing: Listing, folder: str, notes: list[str]) -> ImagesByClass:
    """The images of each class: those below each folder inside the folder of a split.

    Raises UserError where there are no folders inside.
    """
    names = listing.entries(folder).folders
    if not names:
        raise UserError(
            f"data.path: {shown(folder)} has no folders; expected one folder of images a class"
        )
    annotated = _annotated(listing, folder)
    if annotated is not None:
        return annotated
    found = {name: listing.images(f"{folder}/{name}") for name in names}
    _leave_out_files(listing, folder)
    for name in names:
        pictures = [file for file in listing.files(f"{folder}/{name}") if is_undecodable(file)]
        if pictures and not found[name]:
            raise UserError(
                f"data.path: {shown(f'{folder}/{name}')}: a class of "
                f"{counted(len(pictures), 'picture')} that cannot be decoded here, such as "
                f"{shown(pictures[0].rpartition('/')[2])}: save them as JPEG or PNG"
            )
    empty = [listing.inner(f"{folder}/{name}") for name in names if not found[name]]
    if empty:
        notes.append(f"without images, and so no classes: {some(empty)}")
    return {name: images for name, images in found.items() if images}


def unlabelled(listing: Listing, folder: str, classes: Container[str]) -> bool:
    """Whether the images of a test split are not in folders of classes."""
    names = listing.entries(folder).folders
    return not names or (len(names) == 1 and names[0] not in classes)


def inner_folders(listing: Listing, folder: str, classes: ImagesByClass) -> list[str]:
    """The folders with images that lie inside folders of classes."""
    parents = {image.rpartition("/")[0] for images in classes.values() for image in images}
    return sorted(listing.inner(path) for path in parents if path.rpartition("/")[0] != folder)


def _has_folders(listing: Listing, name: str) -> bool:
    return bool(listing.entries(f"{listing.root}/{name}").folders)


def _leave_out_files(listing: Listing, folder: str) -> None:
    """Leave out the files that lie beside folders of classes, or of splits."""
    for name in listing.entries(folder).files:
        path = f"{folder}/{name}"
        listing.leave_out(path, "no class" if is_image(path) else "no images")


def _check_beside(
    listing: Listing, splits: Mapping[str, str], others: Iterable[str], notes: list[str]
) -> None:
    """Raises UserError where folders beside the splits may be classes, or one more split."""
    root, where = listing.root, shown(listing.root)
    train = set(listing.entries(f"{root}/{splits['train']}").folders)
    for name in others:
        inside = listing.entries(f"{root}/{name}").folders
        twice = sorted(train & {name, *inside})
        if twice:
            raise UserError(
                f"data.path: {where} has {some(twice)} in {shown(splits['train'])} and in or as "
                f"{shown(name)}; {EXPECTED}, and nothing with their classes beside them"
            )
        images = len(listing.images(f"{root}/{name}"))
        if images and len(splits) == 1 and not split_words(name)[0]:
            raise UserError(
                f"data.path: {where} has {shown(splits['train'])}, a split, and beside it "
                f"{shown(name)} with {counted(images, 'image')}; expected splits or classes alone"
            )
        if images:
            notes.append(
                f"left out: folder {shown(name)} with {counted(images, 'image')}, no split"
            )


def _check_alike(listing: Listing, names: Iterable[str]) -> None:
    """Raises UserError for splits with longer names, such as `seg_train` and `seg_test`.

    They would be taken for classes, and all of them trained on.
    """
    rests: dict[tuple[str, ...], str] = {}
    insides: dict[str, str] = {}
    for name in names:
        splits, rest = split_words(name)
        if not splits:
            continue
        inside = listing.entries(f"{listing.root}/{name}").folders
        other = rests.setdefault(rest, name)
        other = next((insides[each] for each in inside if each in insides), other)
        insides |= dict.fromkeys(inside, name)
        if other != name:
            raise UserError(
                f"data.path: {shown(listing.root)} has {shown(other)} and {shown(name)}, which "
                f"look like splits and are not called so; {EXPECTED}"
            )


def _check_splits_below(listing: Listing, names: Sequence[str]) -> None:
    """Raises UserError for splits inside folders of classes, all of which would be trained on."""
    for name in names:
        inside = listing.entries(f"{listing.root}/{name}").folders
        if len({split_of(each) for each in inside} - {None}) > 1:
            path = f"{listing.root}/{name}"
            remedy = "classes inside splits" if len(names) > 1 else f"data.path={shown(path)}"
            raise UserError(
                f"data.path: {shown(listing.root)} has the splits {some(inside)} inside "
                f"{shown(name)}; expected {remedy}"
            )


def _annotated(listing: Listing, folder: str) -> ImagesByClass | None:
    """The images of a folder like Tiny ImageNet's `val`, whose classes a file names; None for other
    folders."""
    entries = listing.entries(folder)
    if entries.folders != ["images"] or _TINY_IMAGENET not in entries.files:
        return None
    path = f"{folder}/{_TINY_IMAGENET}"
    lines = read_text(path, _MOST_ANNOTATIONS).splitlines()
    of = dict(line.split("\t")[:2] for line in lines if line.count("\t") > 0)
    found: ImagesByClass = {}
    for image in listing.images(f"{folder}/images"):
        name = image.rpartition("/")[2]
        if name not in of:
            raise UserError(f"{shown(path)}: no line for {shown(name)}, which lies in images/")
        found.setdefault(of[name], []).append(image)
    return found
