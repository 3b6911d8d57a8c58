"""Who descends from whom."""

from carrel.git.storing.stores import Stores

_STEPS = 64


def is_ancestor(stores: Stores, old: str, new: str) -> bool:
    """Tell whether `new` is `old` or descends from it.

    A short way is found through the resident reader; for a long one git is asked.
    """
    reader = stores.vault_reader
    seen: set[str] = set()
    present = [new]
    for _ in range(_STEPS):
        if old in present:
            return True
        if not present:
            return False
        seen.update(present)
        parents = [parent for one in present for parent in reader.commit(one).parents]
        present = [parent for parent in dict.fromkeys(parents) if parent not in seen]
        if len(seen) > _STEPS:
            break
    done = stores.vault.run("merge-base", "--is-ancestor", old, new, ok=(0, 1))
    return done.code == 0
