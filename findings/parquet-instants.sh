#!/usr/bin/env bash
# hyparquet-writer 0.17.0 and @dsnp/parquetjs 1.8.8, read by DuckDB 2.0.1, polars 2.1.0 and pyarrow 26.0.1: a column of
# JavaScript Dates.
#
# Guess: a Date is an instant, the Parquet format has a flag for instants, and so all readers see a timestamp in UTC.
# True:  both writers use the older annotation TIMESTAMP_MILLIS, which has no flag. The format's specification says that it
#        means instants (isAdjustedToUTC=true). pyarrow reads it so. DuckDB and polars read a wall-clock time without a zone:
#        in a session whose time zone is not UTC, DuckDB compares it with instants as local time, hours off. The same
#        instants written by pyarrow itself carry the flag, and DuckDB reads them as instants.
source "$(dirname "$0")/lib/check.sh"

npm_install hyparquet-writer@0.17.0 @dsnp/parquetjs@1.8.8
pip_install duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cat >write.mjs <<'EOF'
import parquet from '@dsnp/parquetjs'
import { parquetWriteFile } from 'hyparquet-writer'
const at = new Date('2026-03-01T00:00:00Z')
parquetWriteFile({ filename: 'hyparquet-writer.parquet', columnData: [{ name: 'sent', data: [at] }] })
const schema = new parquet.ParquetSchema({ sent: { type: 'TIMESTAMP_MILLIS' } })
const writer = await parquet.ParquetWriter.openFile(schema, 'parquetjs.parquet')
await writer.appendRow({ sent: at })
await writer.close()
EOF
logged node write.mjs
cat >read.py <<'EOF'
from datetime import datetime, timezone
import duckdb, polars, pyarrow, pyarrow.parquet as parquet
instant = datetime(2026, 3, 1, tzinfo=timezone.utc)
parquet.write_table(pyarrow.table({'sent': pyarrow.array([instant], pyarrow.timestamp('ms', 'UTC'))}), 'pyarrow.parquet')
duckdb.sql("set TimeZone = 'America/New_York'")
for name in ('hyparquet-writer', 'parquetjs', 'pyarrow'):
    file = f'{name}.parquet'
    kind, same = duckdb.sql(f"select typeof(sent), sent = timestamptz '2026-03-01 00:00:00+00' from '{file}'").fetchall()[0]
    print(f'written by {name}')
    print('  pyarrow:', parquet.read_schema(file).field('sent').type)
    print('  polars: zone', polars.read_parquet(file).schema['sent'].time_zone)
    print(f'  DuckDB in New York: {kind}, equal to the instant that was written: {same}')
EOF
expect venv/bin/python read.py <<'EOF'
written by hyparquet-writer
  pyarrow: timestamp[ms, tz=UTC]
  polars: zone None
  DuckDB in New York: TIMESTAMP, equal to the instant that was written: False
written by parquetjs
  pyarrow: timestamp[ms, tz=UTC]
  polars: zone None
  DuckDB in New York: TIMESTAMP, equal to the instant that was written: False
written by pyarrow
  pyarrow: timestamp[ms, tz=UTC]
  polars: zone UTC
  DuckDB in New York: TIMESTAMP WITH TIME ZONE, equal to the instant that was written: True
EOF
holds 'Dates that two JavaScript writers store are instants for pyarrow, and wall-clock times for DuckDB and polars'
