#!/usr/bin/env bash
# DuckDB 2.0.1, polars 2.1.0 and @date-fns/tz 1.5.0 with date-fns 4.4.0: the hour in which a point lies, in a time zone, in
# the hour that is repeated when summer time ends.
#
# Guess: the start of an hour is at or before the point, and two points that are an hour apart have different hours.
# True:  DuckDB's date_trunc and startOfHour of date-fns compute in wall-clock time and take the later of two equal times.
#        So a point of the first 02:00 hour gets a start that is AFTER it, and both hours become one with twice the points.
#        time_bucket of DuckDB, with the same zone, and truncate of polars keep the hours apart.
source "$(dirname "$0")/lib/check.sh"

npm_install date-fns@4.4.0 @date-fns/tz@1.5.0
pip_install duckdb==2.0.1 polars==2.1.0
cat >hours.py <<'EOF'
from datetime import datetime, timezone
import duckdb, polars
duckdb.sql("set TimeZone = 'Europe/Paris'")
for minute in ('00:10', '01:10'):
    point = f'2026-10-25T{minute}:00Z'
    print('point at', point)
    for name, start in (
        ('DuckDB date_trunc', f"date_trunc('hour', timestamptz '{point}')"),
        ('DuckDB time_bucket', f"time_bucket(interval '1 hour', timestamptz '{point}')"),
    ):
        print(f'  {name}:', duckdb.sql(f"select strftime({start} at time zone 'UTC', '%H:%MZ')").fetchall()[0][0])
    seen = polars.Series([datetime.fromisoformat(point)]).dt.convert_time_zone('Europe/Paris')
    print('  polars truncate:', seen.dt.truncate('1h').dt.convert_time_zone('UTC')[0].strftime('%H:%MZ'))
EOF
cat >hours.mjs <<'EOF'
import { TZDate } from '@date-fns/tz'
import { startOfHour } from 'date-fns'
for (const minute of ['00:10', '01:10']) {
  const start = startOfHour(new TZDate(new Date(`2026-10-25T${minute}:00Z`), 'Europe/Paris'))
  console.log(`date-fns startOfHour of ${minute}: ${new Date(start.getTime()).toISOString().slice(11, 16)}Z`)
}
EOF
both() { venv/bin/python hours.py && node hours.mjs; }
export -f both
expect bash -c both <<'EOF'
point at 2026-10-25T00:10:00Z
  DuckDB date_trunc: 01:00Z
  DuckDB time_bucket: 00:00Z
  polars truncate: 00:00Z
point at 2026-10-25T01:10:00Z
  DuckDB date_trunc: 01:00Z
  DuckDB time_bucket: 01:00Z
  polars truncate: 01:00Z
date-fns startOfHour of 00:10: 01:00Z
date-fns startOfHour of 01:10: 01:00Z
EOF
holds 'DuckDB date_trunc and date-fns put a point of the repeated hour into an hour that begins after it'
