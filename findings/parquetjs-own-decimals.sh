#!/usr/bin/env bash
# @dsnp/parquetjs 1.8.8: decimals that it wrote itself.
#
# Guess: what the library writes and pyarrow reads correctly, the library reads correctly too.
# True:  it writes every DECIMAL of up to 18 digits as INT64, but reads those of up to 9 digits as if they were INT32. Each
#        value is read as its two halves: the numbers are shifted, interleaved with zeros, and the last ones are lost, without
#        an error. With a precision of 10 or more, reading is right.
source "$(dirname "$0")/lib/check.sh"

npm_install @dsnp/parquetjs@1.8.8
pip_install pyarrow==26.0.1
cat >decimals.cjs <<'EOF'
const parquet = require('@dsnp/parquetjs')

async function main() {
  for (const precision of [9, 10]) {
    const file = `precision-${precision}.parquet`
    const schema = new parquet.ParquetSchema({ price: { type: 'DECIMAL', precision, scale: 2 } })
    const writer = await parquet.ParquetWriter.openFile(schema, file)
    for (const price of [1.25, 10.5, 3.75, 4]) await writer.appendRow({ price })
    await writer.close()
    const reader = await parquet.ParquetReader.openFile(file)
    const cursor = reader.getCursor()
    const prices = []
    for (let row = await cursor.next(); row; row = await cursor.next()) prices.push(row.price)
    await reader.close()
    console.log(`precision ${precision}: written 1.25, 10.5, 3.75, 4; read ${prices.join(', ')}`)
  }
}
main().catch((error) => { console.error(error); process.exit(1) })
EOF
cat >read.py <<'EOF'
import pyarrow.parquet as parquet
for precision in (9, 10):
    prices = parquet.read_table(f'precision-{precision}.parquet')['price'].to_pylist()
    print(f'precision {precision}: pyarrow reads', ', '.join(map(str, prices)))
EOF
both() { node decimals.cjs && venv/bin/python read.py; }
export -f both
expect bash -c both <<'EOF'
precision 9: written 1.25, 10.5, 3.75, 4; read 1.25, 0, 10.5, 0
precision 10: written 1.25, 10.5, 3.75, 4; read 1.25, 10.5, 3.75, 4
precision 9: pyarrow reads 1.25, 10.50, 3.75, 4.00
precision 10: pyarrow reads 1.25, 10.50, 3.75, 4.00
EOF
holds 'parquetjs misreads the decimals of up to 9 digits that it wrote, and pyarrow reads them right'
