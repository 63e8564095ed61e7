#!/usr/bin/env bash
# hyparquet-writer 0.17.0 with DuckDB 2.0.1: a column of means in two Parquet files, the first of which happens to hold
# whole numbers only.
#
# Guess: JavaScript has one number type, so the writer uses DOUBLE, and a reader of both files sees what was written.
# True:  the writer chooses the type of a column per file, from its values: INT32 for the first file, DOUBLE for the second.
#        DuckDB takes the schema from the first file in the list and rounds the means of the second file to it, ties to even,
#        without an error. The order of the file names decides whether 2.5 is read as 2.5 or as 2. `union_by_name` prevents
#        it, and so does a declared type (`type: 'DOUBLE'`) in the writer.
source "$(dirname "$0")/lib/check.sh"

npm_install hyparquet-writer@0.17.0
pip_install duckdb==2.0.1
cat >write.mjs <<'EOF'
import { parquetWriteFile } from 'hyparquet-writer'
for (const [filename, data] of [['00h.parquet', [1, 2, 3]], ['01h.parquet', [1.5, 2.5, 3.7]]]) {
  parquetWriteFile({ filename, columnData: [{ name: 'mean', data }] })
}
EOF
logged node write.mjs
cat >read.py <<'EOF'
import duckdb
for file in ('00h.parquet', '01h.parquet'):
    print(file, 'has the type', duckdb.sql(f"select typeof(mean) from '{file}' limit 1").fetchall()[0][0])
for files, options in (
    (['00h.parquet', '01h.parquet'], ''),
    (['01h.parquet', '00h.parquet'], ''),
    (['00h.parquet', '01h.parquet'], ', union_by_name=true'),
):
    means = duckdb.sql(f'select mean from read_parquet({files}{options}) order by filename, mean').fetchall()
    print(f'read_parquet({files}{options}):', *(mean for mean, in means))
EOF
expect venv/bin/python read.py <<'EOF'
00h.parquet has the type INTEGER
01h.parquet has the type DOUBLE
read_parquet(['00h.parquet', '01h.parquet']): 1 2 3 2 2 4
read_parquet(['01h.parquet', '00h.parquet']): 1.0 2.0 3.0 1.5 2.5 3.7
read_parquet(['00h.parquet', '01h.parquet'], union_by_name=true): 1.0 2.0 3.0 1.5 2.5 3.7
EOF
holds 'DuckDB rounds the means of a file if the file before it in the list had whole means only'
