#!/usr/bin/env bash
# DuckDB 2.0.1: sums of whole numbers that are copied to a Parquet file.
#
# Guess: the sum of a BIGINT column is a whole number, and so it is exact in the file.
# True:  the sum of BIGINT has the type HUGEINT, for which Parquet has no type. DuckDB writes it as DOUBLE without a warning:
#        a sum above 2^53 loses its last digits, and a reader sees a fraction type where an integer was computed. A cast of
#        the sum to BIGINT keeps it exact. The same query copied to JSON is exact.
source "$(dirname "$0")/lib/check.sh"

pip_install duckdb==2.0.1 pyarrow==26.0.1
cat >sums.py <<'EOF'
import duckdb, pyarrow.parquet as parquet
duckdb.sql('create table bytes as select unnest([9007199254740992, 1]) as sent')
query = 'select sum(sent) as plain, sum(sent)::bigint as casted from bytes'
print('in DuckDB:', *duckdb.sql(f'select typeof(plain), plain::text from ({query})').fetchall()[0])
duckdb.sql(f"copy ({query}) to 'sums.parquet'")
duckdb.sql(f"copy ({query}) to 'sums.json'")
for name, column in zip(('plain', 'casted'), parquet.read_table('sums.parquet').columns):
    print(f'in Parquet, {name}: {column.type} {int(column[0].as_py())}')
print('in JSON:', open('sums.json').read().strip())
EOF
expect venv/bin/python sums.py <<'EOF'
in DuckDB: HUGEINT 9007199254740993
in Parquet, plain: double 9007199254740992
in Parquet, casted: int64 9007199254740993
in JSON: {"plain":9007199254740993,"casted":9007199254740993}
EOF
holds 'a sum of whole numbers that DuckDB copies to Parquet is a DOUBLE and loses digits'
