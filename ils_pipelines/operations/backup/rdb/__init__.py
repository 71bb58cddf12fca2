"""What a Redis or Valkey server holds, read from the file it dumps (RDB) or from itself, as hashes that are alike for both.

A value is written in many ways: small ones packed, long strings compressed, the members of a set in whatever order the server
has them. What is hashed here is the value itself. Format: https://github.com/valkey-io/valkey, src/rdb.c and src/listpack.c.
"""
