// Connects to the DATABASE_URLS of each client as an application would, and prints the row that
// it read or why it could not. NODE_PATH leads to the packages.
const mysql2 = require('mysql2/promise')
const drizzle = require('drizzle-orm/mysql2')
const { sql } = require('drizzle-orm')
const { PrismaMariaDb } = require('@prisma/adapter-mariadb')

const clients = {
  async mysql2(url) {
    const connection = await mysql2.createConnection(url)
    const [rows] = await connection.query('SELECT 7 AS answer')
    await connection.end()
    return rows[0].answer
  },

  async drizzle(url) {
    const db = drizzle.drizzle(url)
    try {
      const [rows] = await db.execute(sql`SELECT 7 AS answer`)
      return rows[0].answer
    } finally {
      await db.$client.end()
    }
  },

  // Prisma 7 connects by this adapter. A generated client would add models to it.
  async prisma(url) {
    const adapter = await new PrismaMariaDb(url, { onConnectionError() {} }).connect()
    try {
      return (await adapter.queryRaw({ sql: 'SELECT 7 AS answer', args: [], argTypes: [] })).rows[0][0]
    } finally {
      await adapter.dispose()
    }
  },
}

async function ask([name, urls]) {
  const answers = []
  for (const url of urls) {
    answers.push(await clients[name](url).then(
      (answer) => 'answer ' + answer,
      (e) => 'error ' + [e.message, e.cause?.message, JSON.stringify(e.cause)].join(' '),
    ))
  }
  return [name, answers]
}

Promise.all(Object.entries(JSON.parse(process.env.DATABASE_URLS)).map(ask)).then((all) => console.log(JSON.stringify(Object.fromEntries(all))))
