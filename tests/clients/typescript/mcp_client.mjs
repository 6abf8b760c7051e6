#!/usr/bin/env node
// Headless MCP acceptance client on the official TypeScript SDK
// (@modelcontextprotocol/client, pinned in package.json; Node >= 20).
//
// A client that nobody here wrote has to understand the server; this file only turns
// command line options into its calls and prints what it reports. It asserts nothing.
//
// usage: node mcp_client.mjs [options] URL
//        node mcp_client.mjs [options] -- COMMAND [ARG...]
//
// Same options, output keys and exit codes as ../python/mcp_client.py:
//   --era auto|legacy|modern  --token T  --header 'K: V'  --env K=V  --cwd D  --timeout S
//   --client-id ID --client-secret S [--scope S] [--issuer URL]   OAuth client_credentials via 401 -> PRM -> AS metadata
//   --list tools,resources,templates,prompts|all
//   --call TOOL --args JSON [--meta JSON] [--progress] [--log-level L]
//   --read URI   --prompt NAME --prompt-args JSON
//   --elicit JSON|decline|cancel  --sample TEXT  --roots URI,URI  --extension ID
//   --listen S [--filter tools,prompts,resources,URI] [--while-listening TOOL]   --trace
// exit: 0 ok | 1 tool result isError | 2 JSON-RPC error | 3 connect/transport error | 4 HTTP 401/403 | 64 usage
import { Client, ClientCredentialsProvider, StreamableHTTPClientTransport, ProtocolError } from '@modelcontextprotocol/client';
import { StdioClientTransport, getDefaultEnvironment } from '@modelcontextprotocol/client/stdio';
import { parseArgs } from 'node:util';

const MODERN = '2026-07-28';
const argv = process.argv.slice(2);
const cut = argv.indexOf('--');
const command = cut >= 0 ? argv.slice(cut + 1) : null;
let o, positionals;
try {
  ({ values: o, positionals } = parseArgs({
    args: cut >= 0 ? argv.slice(0, cut) : argv, allowPositionals: true,
    options: {
      'client-id': { type: 'string' }, 'client-secret': { type: 'string' }, scope: { type: 'string' }, issuer: { type: 'string' },
      era: { type: 'string', default: 'auto' }, token: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] }, env: { type: 'string', multiple: true, default: [] },
      cwd: { type: 'string' }, timeout: { type: 'string', default: '20' }, list: { type: 'string', default: '' },
      call: { type: 'string' }, args: { type: 'string', default: '{}' }, meta: { type: 'string' },
      progress: { type: 'boolean', default: false }, 'log-level': { type: 'string' },
      read: { type: 'string' }, prompt: { type: 'string' }, 'prompt-args': { type: 'string', default: '{}' },
      elicit: { type: 'string' }, sample: { type: 'string' }, roots: { type: 'string' },
      extension: { type: 'string', multiple: true, default: [] }, listen: { type: 'string' },
      filter: { type: 'string', default: 'tools,prompts,resources' }, 'while-listening': { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  }));
  if (command ? positionals.length || !command.length : positionals.length !== 1) throw new Error('give one URL, or -- COMMAND');
  if (!['auto', 'legacy', 'modern'].includes(o.era)) throw new Error('--era auto|legacy|modern');
} catch (e) {
  console.error(String(e.message));
  process.exit(64);
}

const out = { ok: true, client: 'typescript' };
const notes = [];
const http = [];
const opts = { timeout: Number(o.timeout) * 1000 };

async function tracedFetch(url, init) {
  const r = await fetch(url, init);
  const h = new Headers(init?.headers);
  http.push({
    method: init?.method ?? 'GET', url: String(url), status: r.status, mcpMethod: h.get('mcp-method'), mcpName: h.get('mcp-name'),
    protocolVersion: h.get('mcp-protocol-version'),
    mcpParams: Object.fromEntries([...h].filter(([k]) => k.toLowerCase().startsWith('mcp-param-'))),
    contentType: r.headers.get('content-type'), sessionId: r.headers.get('mcp-session-id'),
    wwwAuthenticate: r.headers.get('www-authenticate'),
  });
  return r;
}

const capabilities = {};
if (o.elicit !== undefined) capabilities.elicitation = { form: {} };
if (o.sample !== undefined) capabilities.sampling = {};
if (o.roots !== undefined) capabilities.roots = {};
if (o.extension.length) capabilities.extensions = Object.fromEntries(o.extension.map((e) => [e, {}]));

const client = new Client({ name: 'wharf-acceptance-typescript', version: '1.0' }, {
  capabilities,
  versionNegotiation: { mode: { auto: 'auto', legacy: 'legacy', modern: { pin: MODERN } }[o.era] },
});
if (o.elicit !== undefined) client.setRequestHandler('elicitation/create', async (r) => {
  (out.elicitations ??= []).push(r.params);
  return o.elicit === 'decline' || o.elicit === 'cancel' ? { action: o.elicit } : { action: 'accept', content: JSON.parse(o.elicit) };
});
if (o.sample !== undefined) client.setRequestHandler('sampling/createMessage', async (r) => {
  (out.samplings ??= []).push(r.params);
  return { role: 'assistant', model: 'test', stopReason: 'endTurn', content: { type: 'text', text: o.sample } };
});
if (o.roots !== undefined) client.setRequestHandler('roots/list', async () => ({ roots: o.roots.split(',').map((uri) => ({ uri })) }));
for (const m of ['notifications/message', 'notifications/tools/list_changed', 'notifications/prompts/list_changed',
  'notifications/resources/list_changed', 'notifications/resources/updated']) {
  client.setNotificationHandler(m, async (n) => { notes.push({ method: m, params: n.params }); });
}

const headers = Object.fromEntries(o.header.map((h) => [h.slice(0, h.indexOf(':')).trim(), h.slice(h.indexOf(':') + 1).trim()]));
if (o.token) headers.Authorization = `Bearer ${o.token}`;

async function pages(fn, key) {
  const got = [];
  let cursor, hints = {}, d;
  do {
    d = await fn({ cursor }, opts); // a cursor key in the params asks for one page
    if (d.ttlMs !== undefined) hints = { ttlMs: d.ttlMs, cacheScope: d.cacheScope };
    got.push(...d[key]);
    cursor = d.nextCursor;
  } while (cursor !== undefined);
  return [got, hints];
}

async function actions() {
  out.protocolVersion = client.getNegotiatedProtocolVersion();
  out.era = client.getProtocolEra();
  out.serverInfo = client.getServerVersion() ?? null;
  out.capabilities = client.getServerCapabilities() ?? {};
  out.instructions = client.getInstructions() ?? null;
  if (o['log-level'] && out.era !== 'modern') await client.setLoggingLevel(o['log-level'], opts);
  const kinds = o.list === 'all' ? ['tools', 'resources', 'templates', 'prompts'] : o.list.split(',').filter(Boolean);
  const table = {
    tools: [client.listTools.bind(client), 'tools'], resources: [client.listResources.bind(client), 'resources'],
    templates: [client.listResourceTemplates.bind(client), 'resourceTemplates'], prompts: [client.listPrompts.bind(client), 'prompts'],
  };
  for (const k of kinds) {
    const [items, hints] = await pages(...table[k]);
    out[k] = items;
    if (Object.keys(hints).length && out.era === 'modern') (out.cache ??= {})[k] = hints;
  }
  if (o.call) {
    const meta = { ...(o.meta ? JSON.parse(o.meta) : {}) };
    if (o['log-level'] && out.era === 'modern') meta['io.modelcontextprotocol/logLevel'] = o['log-level'];
    const progress = [];
    out.call = await client.callTool(
      { name: o.call, arguments: JSON.parse(o.args), ...(Object.keys(meta).length ? { _meta: meta } : {}) },
      { ...opts, ...(o.progress ? { onprogress: (p) => progress.push(p) } : {}) });
    if (o.progress) out.progress = progress;
  }
  if (o.read) out.read = await client.readResource({ uri: o.read }, opts);
  if (o.prompt) out.prompt = await client.getPrompt({ name: o.prompt, arguments: JSON.parse(o['prompt-args']) }, opts);
  if (o.listen) {
    const fl = o.filter.split(',');
    const uris = fl.filter((f) => f.includes(':'));
    const before = notes.length;
    const sub = await client.listen({
      ...(fl.includes('tools') ? { toolsListChanged: true } : {}), ...(fl.includes('prompts') ? { promptsListChanged: true } : {}),
      ...(fl.includes('resources') ? { resourcesListChanged: true } : {}), ...(uris.length ? { resourceSubscriptions: uris } : {}),
    }, opts);
    out.honored = sub.honoredFilter ?? null;
    if (o['while-listening']) await client.callTool({ name: o['while-listening'], arguments: {} }, opts);
    await new Promise((r) => setTimeout(r, Number(o.listen) * 1000));
    out.events = notes.slice(before).map((n) => n.method);
    await sub.close();
  }
}

let code = 0;
try {
  const transport = command
    ? new StdioClientTransport({
        command: command[0], args: command.slice(1), cwd: o.cwd, stderr: 'inherit',
        env: { ...getDefaultEnvironment(), ...Object.fromEntries(o.env.map((e) => [e.slice(0, e.indexOf('=')), e.slice(e.indexOf('=') + 1)])) },
      })
    : new StreamableHTTPClientTransport(new URL(positionals[0]), {
        fetch: tracedFetch, requestInit: { headers },
        ...(o['client-id'] ? { authProvider: new ClientCredentialsProvider({
          clientId: o['client-id'], clientSecret: o['client-secret'] ?? '', scope: o.scope, expectedIssuer: o.issuer }) } : {}),
      });
  await client.connect(transport, opts);
  await actions();
  if (out.call?.isError) code = 1;
  if (transport.terminateSession && out.era !== 'modern') await transport.terminateSession().catch(() => {});
  await client.close();
} catch (e) {
  out.ok = false;
  if (e instanceof ProtocolError || (typeof e.code === 'number' && e.code < 0)) {
    out.error = { code: e.code, message: e.message, data: e.data ?? null };
    code = 2;
  } else {
    out.error = { type: e.constructor?.name, code: e.code ?? null, message: String(e.message) };
    code = 3;
  }
}
if (notes.length) out.notifications = notes;
if (o.trace) out.http = http;
const denied = http.filter((h) => h.status === 401 || h.status === 403).at(-1);
if (denied) {
  out.denied = { status: denied.status, wwwAuthenticate: denied.wwwAuthenticate };
  if (!out.ok) code = 4;
}
console.log(JSON.stringify(out, null, 1));
process.exit(code);
