"""Offers: no code goes to two users, and patterns give enough codes that nobody guesses."""

from itertools import count

from segflow.compiler.codes import GUESSABLE, SAME_CODES, TOO_FEW_CODES
from segflow.compiler.passes.draft import Draft
from segflow.diagnostics import Diagnostic, Span
from segflow.model.channel import (
    CODE_ALPHABET,
    CodesFromFile,
    GeneratedCodes,
    Offer,
    possible_codes,
)
from segflow.model.project import ProjectFile

_GUESSES = 1000
"""So many codes fit a pattern at least for each that is made of it."""


def offers(draft: Draft) -> Draft:
    """Report patterns that are too short, and codes that two offers would give."""
    from_files: list[tuple[Offer, str]] = []
    for found in draft.project:
        match found:
            case Offer(codes=GeneratedCodes() as codes):
                _pattern(draft, found, codes)
            case Offer(codes=CodesFromFile(path=path)):
                from_files.append((found, path))
            case _:
                pass
    _files(draft, from_files)
    return draft


# --- patterns --------------------------------------------------------------------------------


def _pattern(draft: Draft, offer: Offer, codes: GeneratedCodes) -> None:
    path = ("codes", "generate", "pattern")
    stars = next(stars for stars in count() if possible_codes(stars) >= _GUESSES * codes.count)
    help = f"put {stars} * or more into it; each becomes one of {len(CODE_ALPHABET)} characters"
    if codes.possible < codes.count:
        summary = f"the pattern gives {codes.possible:,} of the {codes.count:,} codes asked for"
        draft.complain(TOO_FEW_CODES, offer.address, path, summary, help=help)
    elif codes.possible < _GUESSES * codes.count:
        draft.complain(
            GUESSABLE,
            offer.address,
            path,
            f"the codes can be guessed: one in {codes.possible // codes.count:,} tries is one",
            help=help,
            severity="warning",
        )


# --- files -----------------------------------------------------------------------------------


def _files(draft: Draft, offers: list[tuple[Offer, str]]) -> None:
    """What two offers share. Files that could not be read were told of by the loader."""
    users: dict[str, Offer] = {}
    holders: dict[str, str] = {}
    for offer, path in offers:
        first = users.setdefault(path, offer)
        file = draft.project.files.get(path)
        if first is not offer:
            draft.complain(
                SAME_CODES,
                offer.address,
                ("codes", "file"),
                f"{path} is the file of offer {first.name!r} already",
                detail="a code is given to one user, by one offer",
                help="give each offer a file of its own",
            )
        elif file is not None:
            _shared(draft, file, holders)
            holders |= dict.fromkeys(file.codes, path)


def _shared(draft: Draft, file: ProjectFile, holders: dict[str, str]) -> None:
    shared = [(line, code) for line, code in enumerate(file.codes, start=1) if code in holders]
    if not shared:
        return
    line, code = shared[0]
    # The codes themselves are not shown: who reads it could use them.
    span = Span(path=file.path, line=line, column=1, end_line=line, end_column=2, text="")
    more = f"; of {len(shared):,} lines another offer has the codes" if len(shared) > 1 else ""
    draft.report.add(
        Diagnostic(
            code=SAME_CODES,
            summary=f"{holders[code]} has the code of this line too{more}",
            detail="a code is given to one user, by one offer",
            help="leave each code in one of the two files",
            span=span,
        )
    )
