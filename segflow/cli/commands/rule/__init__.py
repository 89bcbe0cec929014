"""`segflow rule …`: look at rules, and run one."""
