// A chat as many begin it: socket.io, and one INSERT a message before it is acknowledged and told to the room. No accounts, no
// rules, no numbers without gaps, no nonces, no history for who comes back.
const { createServer } = require('http');
const { Server } = require('socket.io');
const { Pool } = require('pg');

const database = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const http = createServer();
const io = new Server(http, { perMessageDeflate: false, transports: ['websocket'] });

io.on('connection', (socket) => {
  socket.on('join', (room) => {
    socket.join(room);
    socket.emit('joined', room);
  });
  socket.on('say', async (room, text, acknowledge) => {
    try {
      const insert = { name: 'say', text: 'INSERT INTO message (room, body) VALUES ($1, $2) RETURNING id', values: [room, text] };
      const { rows } = await database.query(insert);
      io.to(room).emit('said', { id: rows[0].id, text });
      acknowledge(rows[0].id);
    } catch (error) {
      console.error(error);
    }
  });
});

const table = `CREATE TABLE IF NOT EXISTS message (
  id bigserial PRIMARY KEY, room text NOT NULL, body text NOT NULL, at timestamptz NOT NULL DEFAULT now());
  CREATE INDEX IF NOT EXISTS message_room ON message (room, id)`;
database.query(table).then(() => http.listen(process.env.PORT, '127.0.0.1'));
