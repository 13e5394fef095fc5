// Uses @tidbcloud/serverless as an application would, against the endpoint at
// ENDPOINT, and prints what it got as JSON: driver.json. NODE_PATH leads to the package.
const { connect, DatabaseError } = require('@tidbcloud/serverless')

const endpoint = new URL(process.env.ENDPOINT)
const seen = new Set()

// The driver knows no port. This is all that is not as in production: its own
// setting for another fetch.
function throughTheSandbox(url, init) {
  seen.add(url)
  const to = new URL(url)
  to.protocol = endpoint.protocol
  to.host = endpoint.host
  return fetch(to, init)
}

async function failure(promise) {
  try {
    await promise
    return 'no error'
  } catch (e) {
    return { isDatabaseError: e instanceof DatabaseError, status: e.status, code: e.details?.code, message: e.message }
  }
}

async function main() {
  const url = process.env.DATABASE_URL
  const conn = connect({ url, fetch: throughTheSandbox })
  const out = {}

  await conn.execute(`CREATE TABLE kinds (
    id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, tiny TINYINT UNSIGNED, big BIGINT, real8 DOUBLE, price DECIMAL(10,2),
    name VARCHAR(50), body TEXT, raw VARBINARY(8), pic BLOB, bits BIT(16), day DATE, at DATETIME(3), doc JSON,
    kind ENUM('a','b'), flag BOOLEAN)`)
  const values = [255, 9007199254740993n, 0.5, '12.30', 'it\'s "q" \\ \n 測試 🙂', '%', new Uint8Array([0, 255, 39]),
    new Uint8Array([137, 80]), 5, '2024-02-29', new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789)), JSON.stringify({ a: [1, null] }), 'b', true]
  out.insert = await conn.execute(`INSERT INTO kinds (tiny, big, real8, price, name, body, raw, pic, bits, day, at, doc, kind, flag)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, values, { fullResult: true })
  delete out.insert.statement
  await conn.execute('INSERT INTO kinds (name) VALUES (:name)', { name: 'nulls' })
  out.rows = await conn.execute('SELECT * FROM kinds ORDER BY id')
  out.named = await conn.execute('SELECT id FROM kinds WHERE name = :name', { name: values[4] })
  out.array = await conn.execute('SELECT id, tiny FROM kinds ORDER BY id', null, { arrayMode: true })
  out.full = await conn.execute('SELECT id, doc FROM kinds WHERE id = 1', null, { fullResult: true })
  out.update = (await conn.execute('UPDATE kinds SET tiny = 1', null, { fullResult: true })).rowsAffected
  out.decoded = await conn.execute('SELECT price FROM kinds WHERE id = 1', null, { decoders: { DECIMAL: (v) => Number(v) } })

  const tx = await conn.begin()
  await tx.execute('INSERT INTO kinds (name) VALUES (?)', ['in a transaction'])
  out.inside = (await tx.execute('SELECT COUNT(*) AS n FROM kinds'))[0].n
  out.outside = (await conn.execute('SELECT COUNT(*) AS n FROM kinds'))[0].n
  await tx.rollback()
  const tx2 = await conn.begin({ isolation: 'READ COMMITTED' })
  await tx2.execute('INSERT INTO kinds (name) VALUES (?)', ['kept'])
  await tx2.commit()
  out.after = (await conn.execute('SELECT COUNT(*) AS n FROM kinds'))[0].n

  const stateful = await conn.persist()
  await stateful.execute('SET @x = "seven"')
  out.stateful = await stateful.execute('SELECT @x AS x')
  await stateful.close()
  out.closed = await failure(stateful.execute('SELECT 1'))

  out.syntax = await failure(conn.execute('SELEC 1'))
  out.denied = await failure(connect({ url, password: 'wrong', fetch: throughTheSandbox }).execute('SELECT 1'))
  out.parallel = (await Promise.all([1, 2, 3].map((n) => conn.execute('SELECT CONCAT("n", ?) AS n', [n])))).map((r) => r[0].n)
  out.urls = [...seen]
  console.log(JSON.stringify(out, (_, v) => (v instanceof Uint8Array ? { bytes: [...v] } : v)))
}

main().catch((e) => {
  console.error(e)
  process.exit(1)
})
