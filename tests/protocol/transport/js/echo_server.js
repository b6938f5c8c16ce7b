// A socket.io server that announces as DCP's programs do, and sends back whatever it gets; prints its port.
// For a text {"cut":TEXT,"size":N} it sends TEXT in fragments of N units, be it within a surrogate pair.
'use strict';

const { createServer } = require('http');
const { Server } = require('socket.io');

const server = createServer();
const io = new Server(server, { path: process.argv[2], pingInterval: 300, maxHttpBufferSize: 1e9 });

const announcement = {
  canOoo: true, canAck: true, wantsConcat: true, wantsAck: false, rxMaxFragmentSize: 3e5, rxMaxFragmentCount: 0,
  pingInterval: 10100, hasAnnounced: true,
};

let messages = 1e6;

function cut(socket, text, size) {
  const total = Math.ceil(text.length / size);
  const msgId = ++messages;
  for (let seq = 0; seq < total; seq++) {
    const header = JSON.stringify({ msgId, seq, total });
    const part = text.slice(seq * size, (seq + 1) * size);
    socket.send('E' + header.length.toString(16).padStart(4, '0') + 'C' + header + part);
  }
}

io.on('connection', (socket) => {
  socket.send('E0000P' + JSON.stringify(announcement));
  socket.on('message', (text) => {
    if (text.startsWith('E0000P'))
      return;
    if (text.startsWith('{"cut":')) {
      const { cut: what, size } = JSON.parse(text);
      cut(socket, what, size);
    } else if (text.startsWith('{"close"'))
      socket.disconnect();
    else
      socket.send(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());
