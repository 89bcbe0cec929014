"""Every code that the compiler gives, with its title: the reference is made from this table."""

from collections.abc import Mapping

UNKNOWN = "RES001"
NOT_OF_ENTITY = "RES002"
UNDECLARED = "RES003"
CYCLE = "CYC001"
NOT_YET = "SUP001"
TWO_SOURCES = "SUP002"
TOO_DEEP = "SUP003"
NOT_THERE = "SUP004"
MISFIT = "FIT001"
LITERAL = "FIT002"
MISPLACED = "FIT003"
PATTERN = "FIT004"
DERIVED = "FIT005"
QUERY = "SQL001"
STORED = "FIT006"
NO_COUPON = "RUL001"
RESERVED = "RUL002"
TOO_FEW_CODES = "OFR001"
GUESSABLE = "OFR002"
SAME_CODES = "OFR003"
TEMPLATE = "TPL001"
PERSONAL = "TPL002"
NOT_GIVEN = "TST001"
NO_LEAF = "TST002"
SAME_NAME = "TST003"

CODES: Mapping[str, str] = {
    UNKNOWN: "A name refers to nothing",
    NOT_OF_ENTITY: "What is named belongs to another entity",
    UNDECLARED: "A channel is live in an environment that is not declared",
    CYCLE: "Segments or derived fields rest on themselves",
    NOT_YET: "A form of the language that can't be compiled yet",
    TWO_SOURCES: "No source has all that a leaf asks for",
    TOO_DEEP: "A segment rests on a chain of segments that is too long",
    NOT_THERE: "A source is chosen for what it does not have",
    MISFIT: "An operator or aggregate does not fit the type of its value",
    LITERAL: "A literal is not of the type of its slot",
    MISPLACED: "A form stands where it has no meaning",
    PATTERN: "A regular expression is not RE2",
    DERIVED: "A derived field declares another type than its feature gives",
    QUERY: "A query is not one SELECT that only reads",
    STORED: "A value can't be stored in the way that the catalog says",
    NO_COUPON: "An action's offer and its channel do not fit together",
    RESERVED: "A variant has the name of those who get nothing",
    TOO_FEW_CODES: "A pattern can't give as many codes as are asked for",
    GUESSABLE: "The codes of a pattern can be guessed",
    SAME_CODES: "Two offers would give the same code",
    TEMPLATE: "A template can't be filled in",
    PERSONAL: "A message sends a personal field",
    NOT_GIVEN: "A test gives what can't be given",
    NO_LEAF: "The `because` of a test is no leaf of its segment",
    SAME_NAME: "Two tests of a segment have one name",
}
"""Codes are stable: a title may be reworded, a code is never used again for something else."""
