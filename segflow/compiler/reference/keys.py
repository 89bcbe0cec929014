"""Leaves about the key alone, for the reference: lists and samples."""

from fractions import Fraction

from segflow.compiler.worlds import Subject
from segflow.model.hashing import HASHES, stable_hash
from segflow.model.predicate import InFile, Sample


def is_listed(leaf: InFile, subject: Subject) -> bool:
    """Whether the key is in a list file of the project, as a key of its type."""
    found = subject.context.compiled.project.lists[leaf.path]
    return subject.user.key in found.typed()


def is_sampled(leaf: Sample, subject: Subject) -> bool:
    """Whether the user's hash falls in the sample."""
    return Fraction(leaf.low) <= sample_percent(leaf, subject) < Fraction(leaf.high)


def sample_percent(leaf: Sample, subject: Subject) -> Fraction:
    """Where the user's hash falls, from 0 to below 100."""
    salt = subject.segment if leaf.salt is None else leaf.salt
    return Fraction(100 * stable_hash(salt, subject.user.key), HASHES)
