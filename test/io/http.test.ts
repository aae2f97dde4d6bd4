/** What servers do that a download or a range must survive or refuse. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpSet } from '../../src/io/http.ts';
import { download } from '../../src/io/http-download.ts';
import { sendRequest } from '../../src/io/http-request.ts';

const BODY = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 251);

describe('HTTP', () => {
  let server: Server;
  let base = '';
  let requests = 0;
  /** What the server does. */
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;

  before(async () => {
    server = createServer((request, response) => {
      requests++;
      answer(request, response);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  beforeEach(() => {
    requests = 0;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('gives up where every attempt starts again and ends at the same place', async function () {
    this.timeout(20_000);
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': BODY.length });
      response.write(BODY.subarray(0, 60_000), () => setTimeout(() => response.destroy(), 20));
    };
    await assert.rejects(downloaded(`${base}cut`), { code: 'IO', message: /connection/ });
    assert.ok(requests <= 6, `${requests} requests`);
  });

  it('takes a 416 to a whole resource for an answer', async () => {
    answer = (_, response) => response.writeHead(416).end();
    await assert.rejects(sendRequest(`${base}416`), { code: 'IO', message: /found 416/ });
    assert.equal(requests, 1);
  });

  it('asks for the whole when a range lies behind the end', async () => {
    answer = ({ headers }, response) => response.writeHead(headers.range ? 416 : 200).end(BODY);
    const { start } = await sendRequest(`${base}short`, { from: 200_000 });
    assert.equal(start, 0);
    assert.equal(requests, 2);
  });

  it('refuses another part than it asked for', async () => {
    const size = BODY.length;
    answer = (_, response) =>
      response.writeHead(206, { 'content-range': `bytes 65536-${size - 1}/${size}` }).end(BODY.subarray(65_536));
    await assert.rejects(sendRequest(`${base}other`, { from: 70_000 }), {
      code: 'IO',
      message: /expected bytes from 70000; found bytes 65536-/,
    });
  });

  it('refuses a file that is replaced while it is read', async () => {
    let version = 1;
    answer = (request, response) => {
      const headers = { etag: `"${version}"`, 'accept-ranges': 'bytes' };
      const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      if (request.method === 'HEAD') response.writeHead(200, { ...headers, 'content-length': BODY.length }).end();
      else response.writeHead(206, headers).end(BODY.subarray(Number(from), Number(to) + 1));
    };
    const source = await httpSet(base).open('weights');
    assert.deepEqual(await source.read(10, 4), BODY.slice(10, 14));
    version = 2;
    await assert.rejects(source.read(20, 4), { code: 'IO', message: /version; expected "1"; found "2"/ });
  });

  it('reads from servers that know no HEAD', async () => {
    answer = ({ method }, response) => response.writeHead(method === 'HEAD' ? 405 : 200).end(BODY);
    const source = await httpSet(base).open('weights');
    assert.deepEqual(await source.read(0, source.size), BODY);
  });
});

async function downloaded(url: string): Promise<number> {
  let size = 0;
  for await (const { offset, bytes } of download(url)) size = offset + bytes.length;
  return size;
}
