"""Forms of the language for the reference evaluator that need more than one line: one each."""
