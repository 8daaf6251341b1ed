// What a bare WebSocket server does: whatever comes in goes to everybody in the room, and is gone.
const { WebSocketServer } = require('ws');
const rooms = new Map();
const server = new WebSocketServer({ host: '127.0.0.1', port: process.env.PORT, perMessageDeflate: false });
server.on('connection', (socket, request) => {
  const name = request.url;
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room.add(socket));
  socket.on('message', (message) => {
    for (const other of room) other.send(message, { binary: false });
  });
  socket.on('close', () => {
    room.delete(socket);
    if (room.size === 0) rooms.delete(name);
  });
});
