#!/usr/bin/env bash
# DuckDB 2.0.1 and pyarrow 26.0.1: a filter on a Parquet column that holds a NaN.
#
# Guess: the rows that a filter finds do not depend on whether the data are in a table or in a file, nor on the writer.
# True:  pyarrow and polars leave NaN out of the smallest and largest value that they write into a file, as the format asks.
#        DuckDB, for which NaN is greater than every number, skips the file because of its largest value: isnan(x) and x > 2
#        find nothing, and max(x) of pyarrow's file is a number. The same rows in a table, or in a file that DuckDB wrote, are found. pyarrow's
#        own dataset loses the row of `not (x <= 2)` in the same way, while its tables keep it.
source "$(dirname "$0")/lib/check.sh"

pip_install duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cat >nan.py <<'EOF'
import duckdb, polars, pyarrow, pyarrow.dataset as dataset, pyarrow.parquet as parquet
values = [float('nan'), 1.5, -1.0]
parquet.write_table(pyarrow.table({'x': values}), 'pyarrow.parquet')
polars.DataFrame({'x': values}).write_parquet('polars.parquet')
duckdb.sql("create table numbers as select * from 'pyarrow.parquet'")
duckdb.sql("copy numbers to 'duckdb.parquet'")
for where in ('numbers', "'duckdb.parquet'", "'pyarrow.parquet'", "'polars.parquet'"):
    seen = [duckdb.sql(f'select count(*) from {where} where {filter}').fetchall()[0][0] for filter in ('isnan(x)', 'x > 2')]
    largest = duckdb.sql(f'select max(x) from {where}').fetchall()[0][0]
    print(f'DuckDB, {where}: isnan(x) finds {seen[0]}, x > 2 finds {seen[1]}, max(x) is {largest}')
condition = ~(dataset.field('x') <= 2)
print('pyarrow, table: not (x <= 2) finds', parquet.read_table('pyarrow.parquet').filter(condition).num_rows)
print('pyarrow, dataset: not (x <= 2) finds', dataset.dataset('pyarrow.parquet').to_table(filter=condition).num_rows)
EOF
expect venv/bin/python nan.py <<'EOF'
DuckDB, numbers: isnan(x) finds 1, x > 2 finds 1, max(x) is nan
DuckDB, 'duckdb.parquet': isnan(x) finds 1, x > 2 finds 1, max(x) is nan
DuckDB, 'pyarrow.parquet': isnan(x) finds 0, x > 2 finds 0, max(x) is 1.5
DuckDB, 'polars.parquet': isnan(x) finds 0, x > 2 finds 0, max(x) is nan
pyarrow, table: not (x <= 2) finds 1
pyarrow, dataset: not (x <= 2) finds 0
EOF
holds 'DuckDB does not find the NaN of a Parquet file that pyarrow or polars wrote'
