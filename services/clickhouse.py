"""ClickHouse from the library that chDB is published as: `clickhouse local`, which can listen."""

import ctypes
import sys

library, *given = (one.encode() for one in sys.argv[1:])
arguments = (b"clickhouse", *given)
as_array = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
ctypes.CDLL(library.decode()).query_stable_v2(len(arguments), as_array)
sys.exit("it has ended, which it does only when it can't listen")
