"""Routes in words: how the sets of parts meet."""

from segflow.ports.documents import Difference, Given, Intersection, Joined, KeySet


def how_they_meet(members: KeySet) -> str:
    """The sets of a route by their names: "shop 1 and (search 2 or search 3) but not crm 4"."""
    match members:
        case Given(name=name):
            return name
        case Intersection(items=items):
            return " and ".join(map(_inside, items))
        case Joined(items=items):
            return " or ".join(map(_inside, items))
        case Difference(of=whole, without=part):
            return f"{_inside(whole)} but not {_inside(part)}"
        case _:
            raise AssertionError(f"{type(members).__name__} is asked of documents")


def _inside(of: KeySet) -> str:
    return how_they_meet(of) if isinstance(of, Given) else f"({how_they_meet(of)})"
