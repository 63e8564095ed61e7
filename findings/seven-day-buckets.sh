#!/usr/bin/env bash
# DuckDB 2.0.1, polars 2.1.0 and pandas 3.1.1: windows of seven days, and of seven hours, over the same UTC times.
#
# Guess: windows of a fixed size are counted from 1970-01-01, as in every stream processor, so weeks begin on a Thursday.
# True:  DuckDB counts from Monday, 2000-01-03. polars counts `7d` from 1970 but `1w` from a Monday. pandas resample counts
#        from midnight of the first point, so the windows depend on the data, while pandas floor counts from 1970. Sizes that
#        do not divide a day, such as seven hours, disagree too: only those that divide it are safe to compare.
source "$(dirname "$0")/lib/check.sh"

pip_install duckdb==2.0.1 polars==2.1.0 pandas==3.1.1
cat >buckets.py <<'EOF'
from datetime import datetime, timedelta
import duckdb, pandas, polars
first = datetime(2026, 3, 6, 12)
points = [first + timedelta(hours=hours) for hours in range(100)]
series, index = polars.Series(points), pandas.DatetimeIndex(points)

def in_duckdb(size):
    return duckdb.sql(f"select time_bucket(interval '{size}', timestamp '{points[-1]}')").fetchall()[0][0]

for size, starts in {
    '7 days': {
        'DuckDB time_bucket': in_duckdb('7 days'),
        'polars truncate 7d': series.dt.truncate('7d')[-1],
        'polars truncate 1w': series.dt.truncate('1w')[-1],
        'pandas floor 7D': index.floor('7D')[-1],
        'pandas resample 7D': pandas.Series(1, index).resample('7D').count().index[-1],
    },
    '7 hours': {
        'DuckDB time_bucket': in_duckdb('7 hours'),
        'polars truncate 7h': series.dt.truncate('7h')[-1],
        'pandas floor 7h': index.floor('7h')[-1],
        'pandas resample 7h': pandas.Series(1, index).resample('7h').count().index[-1],
    },
    '6 hours': {
        'DuckDB time_bucket': in_duckdb('6 hours'),
        'polars truncate 6h': series.dt.truncate('6h')[-1],
        'pandas resample 6h': pandas.Series(1, index).resample('6h').count().index[-1],
    },
}.items():
    print(f'window of {size} that holds {points[-1]:%a %m-%d %H:%M}')
    for name, start in starts.items():
        print(f'  {name}: {start:%a %m-%d %H:%M}')
EOF
expect venv/bin/python buckets.py <<'EOF'
window of 7 days that holds Tue 03-10 15:00
  DuckDB time_bucket: Mon 03-09 00:00
  polars truncate 7d: Thu 03-05 00:00
  polars truncate 1w: Mon 03-09 00:00
  pandas floor 7D: Thu 03-05 00:00
  pandas resample 7D: Fri 03-06 00:00
window of 7 hours that holds Tue 03-10 15:00
  DuckDB time_bucket: Tue 03-10 11:00
  polars truncate 7h: Tue 03-10 13:00
  pandas floor 7h: Tue 03-10 13:00
  pandas resample 7h: Tue 03-10 09:00
window of 6 hours that holds Tue 03-10 15:00
  DuckDB time_bucket: Tue 03-10 12:00
  polars truncate 6h: Tue 03-10 12:00
  pandas resample 6h: Tue 03-10 12:00
EOF
holds 'DuckDB, polars and pandas put one point into windows of seven days with three different starts'
