// The two benchmark tools on the official TypeScript SDK for Node.
//
// usage: node server.mjs --listen 127.0.0.1:0 [--sessions] | --stdio
//
// Without `--sessions` its handler for 2026-07-28 answers, which serves older clients without sessions; with it, the transport
// of 2025-11-25 with one session for each client, and JSON answers.

import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import {
  NodeStreamableHTTPServerTransport,
  localhostHostValidation,
  localhostOriginValidation,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import * as z from 'zod';

function make() {
  const server = new McpServer({ name: 'bench', version: '0.1.0' }, { capabilities: { tools: {} } });
  const text = (text) => ({ content: [{ type: 'text', text }] });
  const numbers = z.object({ a: z.number().int(), b: z.number().int() });
  server.registerTool('add', { description: 'Add two integers', inputSchema: numbers }, async ({ a, b }) =>
    text(String(a + b)),
  );
  server.registerTool(
    'echo',
    { description: 'Echo text', inputSchema: z.object({ text: z.string() }) },
    async (given) => text(given.text),
  );
  return server;
}

function stateless() {
  const handle = toNodeHandler(createMcpHandler(make, {}));
  const [host, origin] = [localhostHostValidation(), localhostOriginValidation()];
  return (request, response) => {
    if (host(request, response) && origin(request, response)) handle(request, response);
  };
}

function withSessions() {
  const sessions = new Map();
  return async (request, response) => {
    let transport = sessions.get(request.headers['mcp-session-id']);
    if (!transport) {
      transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        enableJsonResponse: true,
        onsessioninitialized: (id) => sessions.set(id, transport),
      });
      await make().connect(transport);
    }
    await transport.handleRequest(request, response);
  };
}

const [mode, address, option] = process.argv.slice(2);
if (mode === '--stdio') {
  const { serveStdio } = await import('@modelcontextprotocol/server/stdio');
  await serveStdio(make);
} else if (mode === '--listen') {
  const [host, port] = address.split(':');
  const server = createServer(option === '--sessions' ? withSessions() : stateless());
  server.listen(Number(port), host, () => {
    console.error(`listening on http://${host}:${server.address().port}/mcp`);
  });
} else {
  console.error('usage: node server.mjs --listen 127.0.0.1:0 [--sessions] | --stdio');
  process.exit(64);
}
