// A socket.io client that announces as DCP's programs do: sends texts to an echo, and prints what came back.
// client.js ORIGIN PATH TRANSPORTS, then a JSON array of texts on stdin.
'use strict';

const { io } = require('socket.io-client');

const [origin, path, transports] = process.argv.slice(2);
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const size = 300;

const socket = io(origin, { path, transports: transports.split(','), forceNew: true, reconnection: false });
const came = [];
const fragments = [];

function send(text, msgId) {
  if (text.length <= size)
    return socket.send(text);
  const total = Math.ceil(text.length / size);
  for (let seq = 0; seq < total; seq++) {
    const header = JSON.stringify({ msgId, seq, total });
    socket.send('E' + header.length.toString(16).padStart(4, '0') + 'C' + header + text.slice(seq * size, (seq + 1) * size));
  }
}

function message(text) {
  if (text.startsWith('E0000P')) {
    socket.send('E0000P' + JSON.stringify({ wantsConcat: true, rxMaxFragmentSize: size, rxMaxFragmentCount: 0, hasAnnounced: true }));
    texts.forEach(send);
    return;
  }
  if (text[0] === 'E') {
    const length = parseInt(text.slice(1, 5), 16);
    const { seq, total } = JSON.parse(text.slice(6, 6 + length));
    fragments[seq] = text.slice(6 + length);
    if (fragments[seq].length > size)
      throw new Error('a fragment is too long');
    if (fragments.filter((part) => part !== undefined).length < total)
      return;
    text = fragments.splice(0).join('');
  }
  came.push(text);
  if (came.length === texts.length)
    finish();
}

// Once the connection has gone over to the last of the transports, where there are several.
function finish() {
  const engine = socket.io.engine;
  const last = transports.split(',').pop();
  if (engine.transport.name !== last)
    return setTimeout(finish, 10);
  console.log(JSON.stringify({ transport: engine.transport.name, texts: came }));
  socket.disconnect();
}

socket.on('message', message);
socket.on('connect_error', (error) => { console.error(error); process.exit(1); });
