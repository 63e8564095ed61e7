#!/usr/bin/env bash
# DuckDB 2.0.1, polars 2.1.0 and pyarrow 26.0.1: the type of a Hive partition column (folders named `key=value`).
#
# Guess: all three infer numbers, dates and times alike, since the point of the layout is that tools can share it.
# True:  they agree on plain small integers only. An hour in ISO 8601 is a TIMESTAMP without a zone in DuckDB, a UTC
#        timestamp in polars and text in pyarrow. Milliseconds since 1970 are a number in the first two and text in pyarrow,
#        which infers 32-bit integers only. Ids with leading zeros stay text in DuckDB only. A time of day fails in polars.
source "$(dirname "$0")/lib/check.sh"

pip_install duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cat >kinds.py <<'EOF'
import os
import duckdb, polars, pyarrow, pyarrow.dataset, pyarrow.parquet as parquet

def duckdb_reads(folder):
    rows = duckdb.sql(f"select typeof(key), key from read_parquet('{folder}/*/*.parquet', hive_partitioning=true) order by x")
    return [(kind, str(value)) for kind, value in rows.fetchall()]

def polars_reads(folder):
    table = polars.scan_parquet(folder, hive_partitioning=True).collect().sort('x')
    return [(str(table.schema['key']), str(value)) for value in table['key']]

def pyarrow_reads(folder):
    table = pyarrow.dataset.dataset(folder, partitioning='hive').to_table().sort_by('x')
    return [(str(table.schema.field('key').type), str(value)) for value in table['key'].to_pylist()]

for what, values in {
    'years': ['2026', '2027'],
    'hours': ['2026-03-01T00:00:00Z', '2026-03-01T01:00:00Z'],
    'milliseconds': ['1772323200000', '1772326800000'],
    'days': ['2026-03-01', '2026-03-02'],
    'leading zeros': ['007', '010'],
    'fractions': ['0.50', '0.9'],
    'times of day': ['12:30', '13:30'],
}.items():
    folder = what.replace(' ', '-')
    for x, value in enumerate(values):
        os.makedirs(f'{folder}/key={value}')
        parquet.write_table(pyarrow.table({'x': [x]}), f'{folder}/key={value}/part.parquet')
    print(f'{what}: key={values[0]}')
    for name, reads in (('DuckDB', duckdb_reads), ('polars', polars_reads), ('pyarrow', pyarrow_reads)):
        try:
            print(f'  {name}: %s %s' % reads(folder)[0])
        except Exception as error:
            print(f'  {name}: {type(error).__name__}')
EOF
expect venv/bin/python kinds.py <<'EOF'
years: key=2026
  DuckDB: BIGINT 2026
  polars: Int64 2026
  pyarrow: int32 2026
hours: key=2026-03-01T00:00:00Z
  DuckDB: TIMESTAMP 2026-03-01 00:00:00
  polars: Datetime(time_unit='us', time_zone='UTC') 2026-03-01 00:00:00+00:00
  pyarrow: string 2026-03-01T00:00:00Z
milliseconds: key=1772323200000
  DuckDB: BIGINT 1772323200000
  polars: Int64 1772323200000
  pyarrow: string 1772323200000
days: key=2026-03-01
  DuckDB: DATE 2026-03-01
  polars: Date 2026-03-01
  pyarrow: string 2026-03-01
leading zeros: key=007
  DuckDB: VARCHAR 007
  polars: Int64 7
  pyarrow: int32 7
fractions: key=0.50
  DuckDB: VARCHAR 0.50
  polars: Float64 0.5
  pyarrow: string 0.50
times of day: key=12:30
  DuckDB: VARCHAR 12:30
  polars: ComputeError
  pyarrow: string 12:30
EOF
holds 'DuckDB, polars and pyarrow give the partition key of one folder different types and values'
