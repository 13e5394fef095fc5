// Connects to DATABASE_URL as an application would, with the client that CLIENT names,
// and prints the row it read or why it could not. NODE_PATH leads to the packages.
const clients = {
  async mysql2(url) {
    const connection = await require('mysql2/promise').createConnection(url)
    const [rows] = await connection.query('SELECT 7 AS answer')
    await connection.end()
    return rows[0].answer
  },

  async drizzle(url) {
    const db = require('drizzle-orm/mysql2').drizzle(url)
    try {
      const [rows] = await db.execute(require('drizzle-orm').sql`SELECT 7 AS answer`)
      return rows[0].answer
    } finally {
      await db.$client.end()
    }
  },

  // Prisma 7 connects by this adapter. A generated client would add models to it.
  async prisma(url) {
    const { PrismaMariaDb } = require('@prisma/adapter-mariadb')
    const adapter = await new PrismaMariaDb(url, { onConnectionError() {} }).connect()
    try {
      return (await adapter.queryRaw({ sql: 'SELECT 7 AS answer', args: [], argTypes: [] })).rows[0][0]
    } finally {
      await adapter.dispose()
    }
  },
}

clients[process.env.CLIENT](process.env.DATABASE_URL).then(
  (answer) => console.log('answer ' + answer),
  (e) => console.log('error ' + [e.message, e.cause?.message, JSON.stringify(e.cause)].join(' ')),
)
